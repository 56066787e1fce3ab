/** Owns what is asked of the memory of a home: by commands, programs and agents. */
import { absentQdrant } from '../../config/services/absent-qdrant.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { createDense } from '../../memory/encode/dense.ts';
import { MemoryAsk, type MemoryAskOptions } from '../../memory/ask.ts';
import { startMemoryWriter } from './start-memory-writer.ts';

export interface MemoryPlace {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onRead?: MemoryAskOptions['onRead'];
}

/** Nothing is connected before the first question. */
export const openMemoryAsk = ({ home, settings, env, onRead }: MemoryPlace): MemoryAsk => {
  const { busDir, runDir } = home;
  const { qdrant, memory } = settings;
  const dense = createDense(memory.embeddings, runDir);
  return new MemoryAsk({
    busDir,
    runDir,
    qdrant: qdrant.kind === 'on' ? qdrant : { kind: 'off', why: absentQdrant(runDir).why },
    startWriter: () => startMemoryWriter(home, env),
    ...(dense === undefined ? {} : { dense }),
    ...(onRead === undefined ? {} : { onRead }),
  });
};
