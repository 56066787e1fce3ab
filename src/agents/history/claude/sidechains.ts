/**
 * Owns which subagent a line of Claude Code belongs to where subagents have no files of their own (versions of 2025): its
 * lines stand among the others, each naming the one before it, and the first naming none.
 */
import { type Fields, wordOf } from '../../read-fields.ts';

/** More lines of subagents in one session are a mistake (G6). */
const MAX_LINES = 200_000;

export class Sidechains {
  /** The first line of the chain, by the line. */
  readonly #first = new Map<string, string>();

  /** An id of the subagent; `undefined`: the line is the agent's own. */
  of(record: Fields): string | undefined {
    if (record['isSidechain'] !== true) return undefined;
    const told = wordOf(record['agentId']);
    if (told !== undefined) return told;
    const uuid = wordOf(record['uuid']) ?? '';
    const first = this.#first.get(wordOf(record['parentUuid']) ?? '') ?? uuid;
    if (this.#first.size < MAX_LINES) this.#first.set(uuid, first);
    return first;
  }
}
