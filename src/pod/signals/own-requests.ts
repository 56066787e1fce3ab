/**
 * Owns the requests that this pod has made of others, until each is settled: by its answer, at its deadline, by the end of
 * who was asked, or by its own.
 */
import { NikaError } from '../../model/error.ts';
import type { ErrorCode } from '../../model/error-codes.ts';
import type { EntityId } from '../../model/id.ts';
import type { SignalReply } from '../socket/protocol.ts';

export type TargetState =
  | { readonly kind: 'living' | 'unsure' }
  | { readonly kind: 'over'; readonly status: string }
  | { readonly kind: 'none' };

export interface OwnRequest {
  readonly id: string;
  readonly to: EntityId;
  readonly deadlineMs: number;
  /** Why it is not on its way; `undefined`: it is. */
  unsent: string | undefined;
}

/** Who has not answered in that time is looked after. */
const FIRST_LOOK_MS = 150;
const LOOK_EVERY_MS = 500;
/** What it said before it ended may still be on its way. */
const LAST_WORD_MS = 300;

interface Pending {
  readonly request: OwnRequest;
  readonly settle: (reply: SignalReply) => void;
}

const failed = (code: ErrorCode, error: string): SignalReply => ({ ok: false, code, error });

export class OwnRequests {
  readonly #pending = new Map<string, Pending>();
  readonly #look: (job: EntityId) => Promise<TargetState>;

  /** `look`: how a job stands; never rejects. */
  constructor(look: (job: EntityId) => Promise<TargetState>) {
    this.#look = look;
  }

  get count(): number {
    return this.#pending.size;
  }

  /** The answer to the request, or why there is none. Never rejects. */
  async wait(request: OwnRequest, signal?: AbortSignal): Promise<SignalReply> {
    const { id, to, deadlineMs } = request;
    const { promise, resolve } = Promise.withResolvers<SignalReply>();
    this.#pending.set(id, { request, settle: resolve });
    const late = setTimeout(() => {
      const { unsent } = request;
      const told = failed('NIKA_SIGNAL_LATE', `${to} did not answer within ${deadlineMs} ms`);
      resolve(unsent === undefined ? told : failed('NIKA_SIGNAL_UNSENT', `${to} was not reached: ${unsent}`));
    }, deadlineMs);
    const onAbort = (): void => resolve(failed('NIKA_SIGNAL_LATE', 'the request was given up'));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    const watch = this.#watch(request, resolve);
    const reply = await promise;
    watch[Symbol.dispose]();
    clearTimeout(late);
    signal?.removeEventListener('abort', onAbort);
    this.#pending.delete(id);
    return reply;
  }

  /** False: nobody waits for it (any more). */
  settle(id: string, reply: SignalReply): boolean {
    const pending = this.#pending.get(id);
    pending?.settle(reply);
    return pending !== undefined;
  }

  settleAll(code: ErrorCode, error: string): void {
    for (const { settle } of this.#pending.values()) settle(failed(code, error));
  }

  #watch({ to }: OwnRequest, settle: (reply: SignalReply) => void): Disposable {
    let timer: NodeJS.Timeout;
    let isSettled = false;
    const look = async (): Promise<void> => {
      const state = await this.#look(to);
      if (isSettled) return;
      if (state.kind === 'over') {
        const told = failed('NIKA_SIGNAL_OVER', `${to} ended (${state.status}) without an answer`);
        timer = setTimeout(() => settle(told), LAST_WORD_MS);
      } else if (state.kind === 'none') {
        settle(failed('NIKA_SIGNAL_NO_JOB', `no pod of ${to} runs, as far as can be seen from here`));
      } else {
        again(LOOK_EVERY_MS);
      }
    };
    const again = (afterMs: number): void => {
      timer = setTimeout(() => void look().catch(() => undefined), afterMs).unref(); // it does not reject
    };
    again(FIRST_LOOK_MS);
    return {
      [Symbol.dispose]: () => {
        isSettled = true;
        clearTimeout(timer);
      },
    };
  }
}

/** @throws {NikaError} where there is no answer, with the code that says why */
export const bodyOf = (reply: SignalReply, codes: Readonly<Record<string, unknown>>): unknown => {
  if (reply.ok) return reply.body;
  const { code, error } = reply;
  const isOurs = code !== undefined && code.startsWith('NIKA_SIGNAL_') && Object.hasOwn(codes, code);
  throw new NikaError(isOurs ? (code as ErrorCode) : 'NIKA_SIGNAL_REFUSED', error);
};
