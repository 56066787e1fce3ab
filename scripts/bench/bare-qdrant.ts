/**
 * Owns the reference of memory's benchmark: Qdrant's own client, used as well as one can (time-outs, no compression, the
 * same collection with the same payload indexes, several batches under way), with points that are made beforehand.
 */
import { QdrantClient } from '@qdrant/js-client-rest';
import { encodeDocument } from '../../src/memory/encode/sparse.ts';
import type { MemoryPoint } from '../../src/memory/point.ts';
import { newCollection, PAYLOAD_INDEXES, SPARSE } from '../../src/memory/qdrant/collection-shape.ts';
import type { QdrantFilter } from '../../src/memory/qdrant/qdrant-filter.ts';
import { pointStruct } from '../../src/memory/qdrant/point-requests.ts';
import type { SparseVector } from '../../src/memory/encode/sparse-vector.ts';

export type PreparedPoint = ReturnType<typeof pointStruct>;

export const prepared = (points: readonly MemoryPoint[]): readonly PreparedPoint[] =>
  points.map((point) => pointStruct({ point, vector: encodeDocument(point.payload.text) }));

const TIMEOUT_MS = 60_000;
export const BATCH = 500;
const UNDER_WAY = 3;

export class BareQdrant {
  readonly #client: QdrantClient;
  readonly #collection: string;

  constructor(url: string, apiKey: string, collection: string) {
    const headers = { 'accept-encoding': 'identity' };
    this.#client = new QdrantClient({ url, apiKey, timeout: TIMEOUT_MS, checkCompatibility: false, headers });
    this.#collection = collection;
  }

  /** Empty, with its indexes. */
  async create(): Promise<void> {
    await this.#client.deleteCollection(this.#collection);
    await this.#client.createCollection(this.#collection, newCollection(undefined));
    for (const [field_name, field_schema] of PAYLOAD_INDEXES)
      await this.#client.createPayloadIndex(this.#collection, { wait: true, field_name, field_schema });
  }

  async upsert(points: readonly PreparedPoint[], wait: boolean): Promise<void> {
    const given = { wait, points: [...points] };
    try {
      await this.#client.upsert(this.#collection, given);
    } catch {
      await this.#client.upsert(this.#collection, given); // its connection was closed meanwhile, as being idle
    }
  }

  /** All of them, until all is visible. */
  async load(points: readonly PreparedPoint[]): Promise<void> {
    let at = 0;
    const sendOn = async (): Promise<void> => {
      while (at < points.length) {
        const from = at;
        at += BATCH;
        await this.upsert(points.slice(from, from + BATCH), false);
      }
    };
    await Promise.all(Array.from({ length: UNDER_WAY }, sendOn));
    await this.upsert(points.slice(-1), true); // after all the others
  }

  async count(filter: QdrantFilter = {}): Promise<number> {
    return (await this.#client.count(this.#collection, { filter, exact: true })).count;
  }

  async search({ indices, values }: SparseVector, filter: QdrantFilter, limit: number): Promise<number> {
    const query = { indices: [...indices], values: [...values] };
    const asked = { query, using: SPARSE, filter, limit, with_payload: true };
    return (await this.#client.query(this.#collection, asked)).points.length;
  }
}
