/** Owns counting on the bus alone: what stands and matches, streamed. */
import type { MemoryGroup } from '../../model/memory.ts';
import { FIELD_OF, valuesIn } from '../filter.ts';
import type { CountAnswer, CountQuestion } from '../memory-source.ts';
import type { MemoryPayload } from '../point.ts';
import { readStanding, type StandingLinesOptions } from './standing-lines.ts';

class Groups {
  readonly #field: string;
  readonly #counts = new Map<string, number>();

  constructor(by: MemoryGroup) {
    this.#field = FIELD_OF[by];
  }

  add(payload: MemoryPayload): void {
    for (const value of new Set(valuesIn(payload, this.#field)))
      this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  get largestFirst(): NonNullable<CountAnswer['groups']> {
    return [...this.#counts]
      .map(([value, count]) => ({ value, count }))
      .toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  }
}

export type BusQuestionOptions = Omit<StandingLinesOptions, 'filter' | 'signal'>;

/** Jobs where no kind is said. @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
export const countOnBus = async (
  options: BusQuestionOptions,
  { filter, by }: CountQuestion,
  signal: AbortSignal,
): Promise<CountAnswer> => {
  const groups = by === undefined ? undefined : new Groups(by);
  let count = 0;
  const wanted = { ...filter, kind: filter.kind ?? (['job'] as const) };
  for await (const { payload } of readStanding({ ...options, filter: wanted, signal })) {
    count += 1;
    groups?.add(payload);
  }
  return groups === undefined ? { count } : { count, groups: groups.largestFirst };
};
