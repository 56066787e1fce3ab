/** Owns which events of a session are on the bus: the bus itself says so (B1), whatever else is remembered. */
import { channelName } from '../../../bus/layout.ts';
import { idOf } from '../../../bus/query/line-filter.ts';
import { findBusFile } from '../../../bus/read/files.ts';
import { readLines } from '../../../bus/read/lines.ts';
import { ownCopy } from '../../../bus/read/own-copy.ts';
import { eventTail, tailOf } from '../../../model/event-id.ts';
import { eventDigest, type SessionIds } from './session-ids.ts';

export class KnownEvents {
  readonly #session: SessionIds['session'];
  /** The last part of each event's id: what is made of its name. */
  readonly #tails: ReadonlySet<string>;

  private constructor(session: SessionIds['session'], tails: ReadonlySet<string>) {
    this.#session = session;
    this.#tails = tails;
  }

  /** Those in the channel of the session; none where there is no such channel. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
  static async read(busDir: string, ids: Pick<SessionIds, 'session' | 'entity'>): Promise<KnownEvents> {
    const tails = new Set<string>();
    for (const part of findBusFile(busDir, channelName(ids.entity))?.parts ?? []) {
      for await (const lines of readLines(part)) {
        for (const { kind, text } of lines) {
          const id = kind === 'torn' ? undefined : idOf(text);
          if (id !== undefined) tails.add(ownCopy(tailOf(id)));
        }
      }
    }
    return new KnownEvents(ids.session, tails);
  }

  get isEmpty(): boolean {
    return this.#tails.size === 0;
  }

  has(kind: string, key: string): boolean {
    return this.#tails.size > 0 && this.#tails.has(eventTail(eventDigest(this.#session, kind, key)));
  }
}
