/** Owns the records of pods that have not ended, read again and again without holding anybody up: those that have, once. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../model/error.ts';
import { type PodRecord, podRecordSchema } from '../registry/pod-record.ts';

const ENDING = '.json';

const tryParse = (text: string): PodRecord | undefined => {
  try {
    return podRecordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // half written by a machine that lost its power
  }
};

export class LivingPods {
  readonly #dir: string;
  #ended = new Set<string>();

  constructor(runDir: string) {
    this.#dir = join(runDir, 'pods');
  }

  /** Rejects with a system error where the folder cannot be read. */
  async read(): Promise<readonly PodRecord[]> {
    const living: PodRecord[] = [];
    const names = await this.#names();
    this.#ended = new Set(names.filter((name) => this.#ended.has(name)));
    for (const name of names) {
      const record = this.#ended.has(name) ? undefined : await this.#tryRead(name);
      if (record === undefined) continue;
      if (record.end === null) living.push(record);
      else this.#ended.add(name);
    }
    return living;
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#dir)).filter((name) => name.endsWith(ENDING));
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return [];
      throw thrown;
    }
  }

  async #tryRead(name: string): Promise<PodRecord | undefined> {
    try {
      return tryParse(await readFile(join(this.#dir, name), 'utf8'));
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return undefined; // gone since
      throw thrown;
    }
  }
}
