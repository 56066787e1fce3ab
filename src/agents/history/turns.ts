/** Owns the turns of a session: from what was asked to the last word before the next is. */
import type { MessageData } from '../../model/message.ts';
import type { ToldTurn } from './told.ts';

interface OpenTurn {
  readonly id: string;
  readonly prompt: string | undefined;
  readonly startedAtMs: number;
  /** Of the last that happened in it. */
  lastMs: number;
  answer: string | undefined;
  outcome: MessageData<'agent_turn'>['outcome'];
  error: string | undefined;
  durationMs: number | undefined;
  /** The agent did something. */
  isAnswered: boolean;
}

export class Turns {
  #open: OpenTurn | undefined;

  /** The agent's id of the turn that goes on. */
  get id(): string | undefined {
    return this.#open?.id;
  }

  /** Something was asked: what was before is over. */
  *begin(id: string, prompt: string | undefined, atMs: number): Generator<ToldTurn> {
    yield* this.end();
    this.#open = {
      id,
      prompt,
      startedAtMs: atMs,
      lastMs: atMs,
      answer: undefined,
      outcome: 'completed',
      error: undefined,
      durationMs: undefined,
      isAnswered: false,
    };
  }

  /** The agent did something in the turn. */
  touch(atMs: number): void {
    if (this.#open === undefined) return;
    this.#open.lastMs = Math.max(this.#open.lastMs, atMs);
    this.#open.isAnswered = true;
  }

  answer(text: string | undefined): void {
    if (this.#open === undefined || text === undefined) return;
    this.#open.answer = text;
    this.#open.outcome = 'completed'; // it went on after what went wrong
    this.#open.error = undefined;
  }

  fail(error: string): void {
    if (this.#open === undefined) return;
    this.#open.outcome = 'failed';
    this.#open.error = error;
  }

  interrupt(): void {
    if (this.#open !== undefined) this.#open.outcome = 'interrupted';
  }

  lasted(durationMs: number | undefined): void {
    if (this.#open !== undefined) this.#open.durationMs = durationMs;
  }

  /** The turn that goes on is over; nothing where there is none, or it was a command of the screen alone (`/clear`). */
  *end(): Generator<ToldTurn> {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    if (!open.isAnswered && open.outcome === 'completed' && open.prompt?.startsWith('/') === true) return;
    const { id, prompt, answer, outcome, error, startedAtMs, lastMs, durationMs } = open;
    yield {
      kind: 'turn',
      key: id,
      atMs: lastMs,
      turn: {
        turn: id,
        ...(prompt === undefined ? {} : { prompt }),
        ...(answer === undefined ? {} : { answer }),
        outcome,
        ...(error === undefined ? {} : { error }),
        duration_ms: durationMs ?? lastMs - startedAtMs,
      },
    };
  }
}
