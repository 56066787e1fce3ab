/** Owns how tests begin and end homes whose memory is in a Qdrant of theirs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestHome } from './nika.ts';
import { running, until } from './pods.ts';
import type { QdrantServer } from './servers/qdrant.ts';

/** From now on the home has its memory there. */
export const useQdrant = (dir: string, { url, key }: QdrantServer, collection = 'nika_memory', more = ''): void => {
  const settings = `qdrant: { url: "${url}", apiKey: "${key}", collection: ${collection} }\n${more}`;
  writeFileSync(join(dir, 'config/nika.yaml'), settings, { mode: 0o600 });
};

const writersOf = (dir: string): readonly number[] => {
  const writers = running('memory-worker');
  return writers.length === 0 ? [] : writers.filter((pid) => running(dir).includes(pid));
};

/** Ends what brings memory: it would write to the home. */
export const endMemoryWriters = async (dir: string): Promise<void> => {
  await delay(20); // one may be starting
  for (const pid of writersOf(dir)) process.kill(pid, 'SIGKILL');
  await until('the memory writer to end', () => writersOf(dir).length === 0);
};

export interface Counted {
  readonly count: number;
  readonly source: 'qdrant' | 'bus';
  readonly why: string | null;
  readonly groups?: readonly { readonly value: string; readonly count: number }[];
}

export const countOf = async (home: TestHome, ...args: readonly string[]): Promise<Counted> => {
  const { stdout, stderr, code } = await home.nika('memory', 'count', '--json', ...args);
  if (code !== 0) throw new Error(`nika memory count: ${code} ${stderr}`);
  return JSON.parse(stdout) as Counted;
};
