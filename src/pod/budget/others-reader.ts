/** Owns how what others use is read: from where each account was read up to, those that stand at one place together. */
import { existsSync } from 'node:fs';
import { tryParseLine } from '../../bus/line.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import type { Home } from '../../config/home.ts';
import type { Account } from './account.ts';
import { LivingPods } from './living-pods.ts';
import { OTHERS_TYPES } from './others-use.ts';

const placeKey = ({ others, sinceMs }: Account): string => {
  const { place } = others.state;
  return place === undefined ? `since ${sinceMs}` : `${place.begins} ${place.byte}`;
};

export class OthersReader {
  readonly #busDir: string;
  readonly #living: LivingPods;

  constructor({ busDir, runDir }: Home) {
    this.#busDir = busDir;
    this.#living = new LivingPods(runDir);
  }

  /** Rejects with `NIKA_BUS_UNREADABLE`, a system error, or the signal's reason; what was read until then counts. */
  async read(accounts: readonly Account[], signal: AbortSignal): Promise<void> {
    if (!existsSync(this.#busDir)) return; // nobody has run here yet
    for (const together of Map.groupBy(accounts, placeKey).values()) await this.#readFrom(together, signal);
    const needing = accounts.filter(({ needsLiving }) => needsLiving);
    if (needing.length === 0) return;
    const records = await this.#living.read(); // after the bus: one that has ended meanwhile counts at the next time
    for (const { others } of needing) await others.lookAt(records);
  }

  async #readFrom(accounts: readonly Account[], signal: AbortSignal): Promise<void> {
    const [first] = accounts;
    if (first === undefined) return;
    const { sinceMs, others } = first;
    const from = others.state.place;
    for await (const piece of readTypes({ busDir: this.#busDir, types: OTHERS_TYPES, sinceMs, from, signal })) {
      if (piece === 'lost') {
        for (const account of accounts) account.others.forget(); // read from the beginning the next time
        return;
      }
      for (const text of piece.texts) {
        const line = tryParseLine(text);
        if (line !== undefined) for (const account of accounts) await account.others.take(line);
      }
      for (const account of accounts) account.others.reach(piece.end);
    }
  }
}
