/** Owns who is whose parent, as lines tell it or else the first line of a channel: for whoever asks for a few entities. */
import { NikaError } from '../../model/error.ts';
import { entityIdSchema, entityTypeOf } from '../../model/id.ts';
import { channelName } from '../layout.ts';
import type { BusLine } from '../line.ts';
import { readFirstLine } from '../read/first-line.ts';

/** Remembered at once (G6): then all is forgotten, and read again where it is asked. */
const MAX_REMEMBERED = 100_000;
/** Deeper is a circle. */
const MAX_DEPTH = 64;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Of whom the line tells: a SUB's lines stand in the channel of its TASK or JOB. */
export const entityOfLine = ({ entity, meta }: Pick<BusLine, 'entity' | 'meta'>): string =>
  textOf(meta['entity_id']) ?? entity;

export class Ancestry {
  readonly #busDir: string;
  readonly #parents = new Map<string, string | undefined>();

  constructor(busDir: string) {
    this.#busDir = busDir;
  }

  /** What a line tells of its own entity. */
  learn(line: Pick<BusLine, 'entity' | 'meta'>): void {
    this.#remember(entityOfLine(line), textOf(line.meta['parent_id']));
  }

  /** `undefined`: it has none, or nobody can say. */
  async parentOf(id: string): Promise<string | undefined> {
    if (this.#parents.has(id)) return this.#parents.get(id);
    const line = await this.#tryFirstLine(id);
    const parent = line === undefined ? undefined : textOf(line.meta['parent_id']);
    this.#remember(id, parent);
    return parent;
  }

  /** The entity itself, its parent, and so on up. */
  async *upFrom(id: string): AsyncGenerator<string> {
    let at: string | undefined = id;
    for (let depth = 0; at !== undefined && depth < MAX_DEPTH; depth += 1) {
      yield at;
      at = await this.parentOf(at);
    }
  }

  /** Whether `ancestor` is the entity, or above it. */
  async isWithin(id: string, ancestor: string): Promise<boolean> {
    for await (const at of this.upFrom(id)) if (at === ancestor) return true;
    return false;
  }

  /** The JOB that it is, or belongs to. */
  async jobOf(id: string): Promise<string> {
    for await (const at of this.upFrom(id)) if (at.startsWith('JOB-')) return at;
    return id;
  }

  /** The PROJ that it belongs to. */
  async projectOf(id: string): Promise<string | undefined> {
    for await (const at of this.upFrom(id)) if (at.startsWith('PROJ-')) return at;
    return undefined;
  }

  async #tryFirstLine(text: string): Promise<BusLine | undefined> {
    const id = entityIdSchema.safeParse(text);
    if (!id.success || entityTypeOf(id.data) === 'SUB') return undefined;
    try {
      return await readFirstLine(this.#busDir, channelName(id.data));
    } catch (thrown) {
      if (thrown instanceof NikaError && thrown.code === 'NIKA_BUS_UNREADABLE') return undefined; // damaged: nobody can say
      throw thrown;
    }
  }

  #remember(id: string, parent: string | undefined): void {
    if (this.#parents.size >= MAX_REMEMBERED) this.#parents.clear();
    this.#parents.set(id, parent);
  }
}
