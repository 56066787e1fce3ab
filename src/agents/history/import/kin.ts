/**
 * Owns which sessions begin with the same history: one was forked from another, or gone on with in a new file, which then
 * holds a copy of what was before. What stands on the bus of one is not written again for another.
 */
import type { EntityId, SessionId } from '../../../model/id.ts';
import { KnownEvents } from './known-events.ts';

/** Forks of one session; of more, a copy may be taken for news (G6). */
const MAX_KIN = 64;

export class Kin {
  readonly #families = new Map<string, Map<SessionId, EntityId>>();

  /** `name`: what they have in common; missing: it has no kin. */
  add(name: string | null | undefined, session: SessionId | undefined, entity: EntityId | undefined): void {
    if (name === null || name === undefined || session === undefined || entity === undefined) return;
    const family = this.#families.get(name) ?? new Map<SessionId, EntityId>();
    this.#families.set(name, family);
    if (family.size < MAX_KIN) family.set(session, entity);
  }

  /** What is on the bus of all but the session itself. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
  async known(busDir: string, name: string | undefined, own: SessionId): Promise<readonly KnownEvents[]> {
    const others: KnownEvents[] = [];
    for (const [session, entity] of (name === undefined ? undefined : this.#families.get(name)) ?? []) {
      if (session === own) continue;
      const known = await KnownEvents.read(busDir, { session, entity });
      if (!known.isEmpty) others.push(known);
    }
    return others;
  }
}
