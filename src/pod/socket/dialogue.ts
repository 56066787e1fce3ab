/**
 * Owns what is said on one connection of a pod: hello first, then requests to the door, each with its answer.
 *
 * D1. Every request is answered once, whatever the door does; one that takes its time is announced as waiting.
 * D2. A client that said hello is told to the door as closed, exactly once.
 */
import { errorMessage, NikaError } from '../../model/error.ts';
import type { ErrorCode } from '../../model/error-codes.ts';
import type { SocketFault, SocketFaults } from './faults.ts';
import { agreeOnVersion, FRAME_MAX_BYTES, VERSIONS } from './frames.ts';
import { type DoorConnection, type Op, type PodDoor, REQUEST_SCHEMAS, type RequestOf } from './protocol.ts';

export interface DialogueOptions {
  readonly door: PodDoor;
  readonly faults: SocketFaults;
  readonly isOwn: boolean;
  /** Encodes and writes. @throws {Error} for what is no frame: not JSON, or too long */
  readonly send: (message: object) => void;
  /** The peer has read all that it was told. */
  readonly hasRead: () => boolean;
}

const ASKED_MAX_COUNT = 1024;
const ASKED_MAX_BYTES = 4 * FRAME_MAX_BYTES;
const WAITING_EVERY_MS = 1000;
const QUOTED_CHARS = 100;

type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'open'; readonly connection: DoorConnection }
  | { readonly kind: 'closed' };

interface Asked {
  readonly id: number;
  readonly bytes: number;
}

/** `PodDoor.handle` as it is called: the schema has made the request fit the operation. */
type Handle = (op: Op, request: object, connection: DoorConnection) => object | Promise<object>;

let lastNumber = 0;

export class Dialogue {
  readonly #options: DialogueOptions;
  readonly #asked = new Set<Asked>();
  #askedBytes = 0;
  #state: State = { kind: 'new' };
  #telling: NodeJS.Timeout | undefined;

  constructor(options: DialogueOptions) {
    this.#options = options;
  }

  get isGreeted(): boolean {
    return this.#state.kind !== 'new';
  }

  /** Takes one message. A text says why nothing more can be understood on this connection. */
  take(value: Readonly<Record<string, unknown>>, bytes: number): string | undefined {
    const { id, op } = value;
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1)
      return 'a request has no "id": a whole number from 1 on';
    const schema = typeof op === 'string' && Object.hasOwn(REQUEST_SCHEMAS, op) ? REQUEST_SCHEMAS[op as Op] : undefined;
    if (schema === undefined) {
      const quoted = typeof op === 'string' ? `"${op.slice(0, QUOTED_CHARS)}"` : 'without a name';
      this.#refuse(id, 'bad_request', `there is no operation ${quoted}`);
      return undefined;
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      this.#refuse(id, 'bad_request', `${String(op)}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
    } else if (op === 'hello') {
      this.#greet(id, parsed.data as object as RequestOf<'hello'>);
    } else if (this.#state.kind !== 'open') {
      this.#refuse(id, 'bad_request', 'the first request of a connection is "hello"');
    } else {
      this.#ask({ id, bytes }, op as Op, parsed.data);
    }
    return undefined;
  }

  /** The connection is gone (D2). Nothing is sent from here on. */
  close(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    clearInterval(this.#telling);
    if (state.kind !== 'open') return;
    try {
      this.#options.door.closed(state.connection);
    } catch (thrown) {
      this.#options.faults.count('door_failed', errorMessage(thrown));
    }
  }

  #refuse(id: number, fault: SocketFault, message: string, more: object = {}): void {
    this.#options.faults.count(fault, message);
    const code: ErrorCode = fault === 'too_many_requests' ? 'NIKA_POD_BUSY' : 'NIKA_POD_PROTOCOL';
    this.#send({ re: id, ok: false, code, message, ...more });
  }

  #greet(id: number, { v, client = 'a program' }: RequestOf<'hello'>): void {
    const agreed = agreeOnVersion(v, VERSIONS);
    if (this.#state.kind === 'open') {
      this.#refuse(id, 'bad_request', 'hello was said already');
    } else if (agreed === undefined) {
      const { newest } = VERSIONS;
      const message = `this pod speaks version ${newest} of the protocol; the client speaks ${v}`;
      this.#refuse(id, 'other_version', message, { v: newest });
    } else {
      lastNumber += 1;
      const { isOwn, door } = this.#options;
      const connection = { number: lastNumber, client, isOwn, push: (push: object) => this.#push(push) };
      this.#state = { kind: 'open', connection };
      this.#answer(id, () => {
        const { session, entity } = door.facts();
        return { v: agreed, session, entity };
      });
    }
  }

  #ask(asked: Asked, op: Op, request: object): void {
    if (this.#state.kind !== 'open') return;
    if (this.#asked.size >= ASKED_MAX_COUNT || this.#askedBytes + asked.bytes > ASKED_MAX_BYTES) {
      this.#refuse(asked.id, 'too_many_requests', 'too many requests of this connection wait for their answers');
      return;
    }
    const { connection } = this.#state;
    const handle = this.#options.door.handle as Handle;
    this.#answer(asked.id, () => {
      const answer = handle(op, request, connection);
      if (!(answer instanceof Promise)) return answer;
      this.#await(asked, answer);
      return undefined;
    });
  }

  #await(asked: Asked, answer: Promise<object>): void {
    this.#asked.add(asked);
    this.#askedBytes += asked.bytes;
    this.#telling ??= setInterval(() => this.#tellWaiting(), WAITING_EVERY_MS);
    const settle = (give: () => object): void => {
      this.#asked.delete(asked);
      this.#askedBytes -= asked.bytes;
      if (this.#asked.size === 0) {
        clearInterval(this.#telling);
        this.#telling = undefined;
      }
      this.#answer(asked.id, give);
    };
    answer.then(
      (value) => settle(() => value),
      (thrown: unknown) =>
        settle(() => {
          throw thrown;
        }),
    );
  }

  /** Not to one that does not read: they would pile up while it is stopped. */
  #tellWaiting(): void {
    if (!this.#options.hasRead()) return;
    for (const { id } of this.#asked) this.#send({ re: id, waiting: true });
  }

  /** D1. `undefined`: the answer comes later. */
  #answer(id: number, give: () => object | undefined): void {
    try {
      const answer = give();
      if (answer !== undefined) this.#send({ re: id, ok: true, ...answer });
    } catch (thrown) {
      const message = errorMessage(thrown);
      if (!(thrown instanceof NikaError)) this.#options.faults.count('door_failed', message);
      const code: ErrorCode = thrown instanceof NikaError ? thrown.code : 'NIKA_POD_FAILED';
      this.#send({ re: id, ok: false, code, message });
    }
  }

  #push(push: object): void {
    try {
      this.#send(push);
    } catch (thrown) {
      this.#options.faults.count('door_failed', errorMessage(thrown));
    }
  }

  #send(message: object): void {
    if (this.#state.kind !== 'closed') this.#options.send(message);
  }
}
