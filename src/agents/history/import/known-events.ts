/**
 * Owns which events of a session are on the bus: the bus itself says so (B1), whatever else is remembered.
 *
 * E1. What an import wrote and closed, by a `session_end_summary`, is settled: it was a session of the job. What came to the
 *     agent's file afterwards is another one, its next attempt.
 */
import { channelName } from '../../../bus/layout.ts';
import { idOf, typeOf } from '../../../bus/query/line-filter.ts';
import { findBusFile } from '../../../bus/read/files.ts';
import { readLines } from '../../../bus/read/lines.ts';
import { ownCopy } from '../../../bus/read/own-copy.ts';
import { eventTail, tailOf } from '../../../model/event-id.ts';
import type { EntityId, SessionId } from '../../../model/id.ts';
import { eventDigest } from './session-ids.ts';

interface Named {
  readonly session: SessionId;
  readonly entity: EntityId;
}

export class KnownEvents {
  readonly #session: SessionId;
  /** The last part of each event's id: what is made of its name. */
  readonly #settled = new Set<string>();
  readonly #open = new Set<string>();
  /** Which try of the job comes next, or is not closed yet; from 1. */
  attempt = 1;

  private constructor(session: SessionId) {
    this.#session = session;
  }

  /** Those in the channel of the session; none where there is no such channel. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
  static async read(busDir: string, { session, entity }: Named): Promise<KnownEvents> {
    const known = new KnownEvents(session);
    for (const part of findBusFile(busDir, channelName(entity))?.parts ?? []) {
      for await (const lines of readLines(part)) {
        for (const { kind, text } of lines) if (kind !== 'torn') known.#add(text);
      }
    }
    return known;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#settled.size === 0;
  }

  has(kind: string, key: string): boolean {
    if (this.isEmpty) return false;
    const tail = this.#tailOf(kind, key);
    return this.#open.has(tail) || this.#settled.has(tail);
  }

  /** Whether it belongs to an attempt that was closed (E1). */
  isSettled(kind: string, key: string): boolean {
    return this.#settled.size > 0 && this.#settled.has(this.#tailOf(kind, key));
  }

  #tailOf(kind: string, key: string): string {
    return eventTail(eventDigest(this.#session, kind, key));
  }

  #add(text: string): void {
    const id = idOf(text);
    if (id !== undefined) this.#open.add(ownCopy(tailOf(id)));
    if (typeOf(text) !== 'session_end_summary') return;
    for (const tail of this.#open) this.#settled.add(tail);
    this.#open.clear();
    this.attempt += 1;
  }
}
