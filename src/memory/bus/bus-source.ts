/** Owns the answers of the bus alone: of this home, and the same as Qdrant's where it is the only one that writes there. */
import { channelName } from '../../bus/layout.ts';
import { tryParseLine } from '../../bus/line.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { entityIdSchema } from '../../model/id.ts';
import { encodeQuestion } from '../encode/sparse.ts';
import type { CountAnswer, CountQuestion, MemorySource, SearchHit, SearchQuestion } from '../memory-source.ts';
import { MEMORY_TYPES, type MemoryPoint, pointOf } from '../point.ts';
import { type BusQuestionOptions, countOnBus } from './bus-count.ts';
import { searchOnBus } from './bus-search.ts';

const isNewer = (a: MemoryPoint, b: MemoryPoint): boolean =>
  a.payload.ts > b.payload.ts || (a.payload.ts === b.payload.ts && a.id > b.id);

export class BusSource implements MemorySource {
  readonly origin = 'bus';
  readonly #options: BusQuestionOptions;

  constructor(options: BusQuestionOptions) {
    this.#options = options;
  }

  count(question: CountQuestion, signal: AbortSignal): Promise<CountAnswer> {
    return countOnBus(this.#options, question, signal);
  }

  async search({ words, filter, limit }: SearchQuestion, signal: AbortSignal): Promise<readonly SearchHit[]> {
    const vector = encodeQuestion(words);
    return vector.indices.length === 0 ? [] : searchOnBus(this.#options, { words, vector, filter, limit }, signal);
  }

  async similar(
    entity: string,
    { filter, limit }: Omit<SearchQuestion, 'words'>,
    signal: AbortSignal,
  ): Promise<readonly SearchHit[]> {
    const newest = await this.#newestOf(entity, signal);
    if (newest === undefined) return [];
    const vector = encodeQuestion(newest.payload.text);
    if (vector.indices.length === 0) return [];
    return searchOnBus(this.#options, { vector, filter, limit, without: entity }, signal);
  }

  /** With a text. A SUB's lines stand on the alpha bus and in another one's channel. */
  async #newestOf(entity: string, signal: AbortSignal): Promise<MemoryPoint | undefined> {
    const { busDir } = this.#options;
    const id = entityIdSchema.safeParse(entity).data;
    if (id === undefined) return undefined;
    const channel = entity.startsWith('SUB-') ? {} : { file: channelName(id) };
    let newest: MemoryPoint | undefined;
    for await (const piece of readTypes({ busDir, types: MEMORY_TYPES, sinceMs: -Infinity, signal, ...channel })) {
      if (piece === 'lost') break;
      for (const text of piece.texts) {
        const line = tryParseLine(text);
        const point = line === undefined ? undefined : pointOf(line);
        if (point === undefined || point.payload.entity_id !== entity || point.payload.text === '') continue;
        if (newest === undefined || isNewer(point, newest)) newest = point;
      }
    }
    return newest;
  }
}
