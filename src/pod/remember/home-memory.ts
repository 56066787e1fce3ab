/** Owns the bringing of what a home's bus has for memory: by the process that follows it, and by `nika memory sync`. */
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import type { KeepMs } from '../../memory/sync/retention.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import type { Log } from '../../log/log.ts';
import { createDense } from '../../memory/encode/dense.ts';
import { encodeDocument } from '../../memory/encode/sparse.ts';
import { openStore } from '../../memory/qdrant/open-store.ts';
import type { PointStore } from '../../memory/point-store.ts';
import { memoryTargetName } from '../../memory/sync/memory-files.ts';
import { MemorySync } from '../../memory/sync/memory-sync.ts';
import { type MemoryOutage, MemoryWriter } from '../../memory/sync/memory-writer.ts';
import type { SyncCounts } from '../../memory/sync/sync-options.ts';
import { writeOutage } from './write-outage.ts';

export interface HomeMemoryOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly target: QdrantTarget;
  /** Takes secrets out of a text (G7). */
  readonly clean: (text: string) => string;
  readonly log?: Log;
  readonly onProgress?: (counts: SyncCounts) => void;
  readonly signal: AbortSignal;
}

const OUTAGE_BUDGET_MS = 5_000;

export class HomeMemory implements AsyncDisposable {
  readonly #options: HomeMemoryOptions;
  readonly #store: PointStore;
  readonly #keepMs: KeepMs;
  readonly sync: MemorySync;

  constructor(options: HomeMemoryOptions, store: PointStore) {
    this.#options = options;
    this.#store = store;
    const { home, settings, target, clean, log, onProgress, signal } = options;
    const { busDir, runDir } = home;
    const kept = Object.entries(settings.memory.keep).filter(([, ms]) => ms !== undefined);
    this.#keepMs = Object.fromEntries(kept);
    this.sync = new MemorySync({
      store,
      busDir,
      runDir,
      signal,
      keepMs: this.#keepMs,
      target: memoryTargetName(target),
      onRefused: (id, why) => log?.write('error', 'Qdrant does not take it', { id, why: clean(why) }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }

  /** It ends by itself when nothing comes for a while. */
  writer(lingers: { readonly lingerMs: number; readonly awayLingerMs: number }): MemoryWriter {
    const { home, settings, target, clean, log } = this.#options;
    return new MemoryWriter({
      ...lingers,
      sync: this.sync,
      store: this.#store,
      busDir: home.busDir,
      runDir: home.runDir,
      about: { target: memoryTargetName(target), url: target.url, collection: target.collection },
      keepMs: this.#keepMs,
      isDense: settings.memory.embeddings !== undefined,
      onOutageStart: (why) => log?.write('warn', 'degraded', { service: 'qdrant', why: clean(why) }),
      onOutageEnd: (outage) => this.#tellOutage(outage),
    });
  }

  async #tellOutage({ since, cause, replayed }: MemoryOutage): Promise<void> {
    const { home, settings, clean, log } = this.#options;
    const outage = { service: 'qdrant', since, until: new Date().toISOString(), cause: clean(cause), replayed };
    log?.write('info', 'recovered', outage);
    await bestEffort('memory.outage', { withinMs: OUTAGE_BUDGET_MS }, () =>
      writeOutage({ home, settings }, { ...outage, buffered: replayed, dropped: 0 }),
    );
  }
}

export const openHomeMemory = async (options: HomeMemoryOptions): Promise<HomeMemory> => {
  const { target, settings, home } = options;
  const dense = createDense(settings.memory.embeddings, home.runDir);
  const store = await openStore({ target, encode: encodeDocument, ...(dense === undefined ? {} : { dense }) });
  return new HomeMemory(options, store);
};
