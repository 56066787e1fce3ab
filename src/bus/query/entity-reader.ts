/**
 * Owns the standing of one entity for who looks again and again: of its channel only what came since the last look is read,
 * however long that is. Tool calls are not counted.
 */
import type { EntityId } from '../../model/id.ts';
import { channelName } from '../layout.ts';
import { tryParseLine } from '../line.ts';
import { findBusFile } from '../read/files.ts';
import type { BusPlace } from './bus-place.ts';
import { readEntity } from './entities.ts';
import { applyLine, createEntityView, type EntityView, subjectOf } from './entity-view.ts';
import { readTypes } from './read-types.ts';
import { STATE_TYPES } from './state-types.ts';

const NEVER = new AbortController().signal;

/** One look at a time. */
export class EntityReader {
  readonly #busDir: string;
  readonly #id: EntityId;
  #view: EntityView | undefined;
  #from: BusPlace | undefined;
  /** What a writer could not tell to be written stands there twice. */
  #seen = new Set<string>();

  constructor(busDir: string, id: EntityId) {
    this.#busDir = busDir;
    this.#id = id;
  }

  /** The same object each time; `undefined`: it is not on the bus. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
  async read(signal: AbortSignal = NEVER): Promise<EntityView | undefined> {
    if (findBusFile(this.#busDir, channelName(this.#id)) === undefined) {
      this.#forget();
      return readEntity(this.#busDir, this.#id, signal);
    }
    if ((await this.#readOn(signal)) === 'lost') {
      this.#forget(); // another file has its name
      await this.#readOn(signal);
    }
    return this.#view;
  }

  async #readOn(signal: AbortSignal): Promise<'read' | 'lost'> {
    const [busDir, file] = [this.#busDir, channelName(this.#id)];
    const options = { busDir, file, types: STATE_TYPES, sinceMs: -Infinity, from: this.#from, signal };
    for await (const piece of readTypes(options)) {
      if (piece === 'lost') return 'lost';
      for (const text of piece.texts) this.#apply(text);
      this.#from = piece.end;
    }
    return 'read';
  }

  #apply(text: string): void {
    const line = tryParseLine(text);
    if (line === undefined || subjectOf(line) !== this.#id || this.#seen.has(line.id)) return;
    this.#seen.add(line.id);
    this.#view ??= createEntityView(this.#id, line.ts);
    applyLine(this.#view, line);
  }

  #forget(): void {
    this.#view = undefined;
    this.#from = undefined;
    this.#seen = new Set();
  }
}
