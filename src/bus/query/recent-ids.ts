/**
 * Owns which events were seen before: an event of two files is told once, in bounded memory (G6).
 *
 * Tool calls stand in one file: they can come a second time only where the same bus is read twice, and then soon. Other
 * messages stand in two, and the second may come late: what a writer had to hold back stands behind all that came
 * meanwhile, and what was imported from an agent's history stands on the alpha bus behind all that is younger. So tool calls are remembered for a while, and never push out messages, which are remembered for long.
 */
import { isChannelOnly } from '../../model/message.ts';
import { FingerprintIndex } from '../read/verify/fingerprint-index.ts';

/** About 20 bytes each; of two generations the older is forgotten at once. */
const CALLS_REMEMBERED = 25_000;
const MESSAGES_REMEMBERED = 2_000_000;

class Generations {
  readonly #maxCount: number;
  #young = new FingerprintIndex();
  #old = new FingerprintIndex();

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  add(id: string): boolean {
    const before = this.#young.count;
    this.#young.add(id);
    if (this.#young.count === before) return false;
    const isNew = !this.#old.has(id);
    if (this.#young.count >= this.#maxCount) {
      this.#old = this.#young;
      this.#young = new FingerprintIndex();
    }
    return isNew;
  }
}

export interface RecentIdsOptions {
  /** False: the caller reads each file of one bus once, so that no call comes twice. */
  readonly withCalls?: boolean;
  readonly messagesRemembered?: number;
}

export class RecentIds {
  readonly #calls: Generations | undefined;
  readonly #messages: Generations;

  constructor({ withCalls = true, messagesRemembered = MESSAGES_REMEMBERED }: RecentIdsOptions = {}) {
    this.#calls = withCalls ? new Generations(CALLS_REMEMBERED) : undefined;
    this.#messages = new Generations(messagesRemembered);
  }

  /** Whether the event of that id and type was not there before; from now on it is. */
  add(id: string, type: string | undefined): boolean {
    if (type === undefined || !isChannelOnly(type)) return this.#messages.add(id);
    return this.#calls?.add(id) ?? true;
  }
}
