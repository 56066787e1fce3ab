/** Owns what every command about pods begins with: the home, its records, and the closing of pods that died. */
import { bestEffort } from '../../failopen/best-effort.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';

const CLOSE_BUDGET_MS = 60_000;

export interface PodContext {
  readonly home: Home;
  readonly settings: Settings;
  /** The oldest first; those that died are closed. */
  readonly records: readonly PodRecord[];
}

/** @throws {NikaError} what is wrong with home or settings */
export const openPodContext = async (homeFlag: string | undefined, terminal: Terminal): Promise<PodContext> => {
  const [{ resolveHome }, { loadSettings }, { readCurrentRecords }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../pod/registry/current-records.ts'),
  ]);
  const home = resolveHome({ flag: homeFlag, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const { records, closed } = await readCurrentRecords({ home, settings });
  for (const lost of closed) tellOfLost(lost, terminal);
  return { home, settings, records };
};

/** Somebody has to be told: nobody was there when it died. */
const tellOfLost = ({ entity, job, end, attempt, attempts }: PodRecord, terminal: Terminal): void => {
  if (end?.status !== 'lost') return;
  const left = attempts - attempt;
  const more = left === 0 ? '' : `; ${left} ${left === 1 ? 'attempt' : 'attempts'} left: nika pod restart ${entity}`;
  terminal.warn(`lost: ${entity} (${printable(job)}) died without a word, and was closed${more}`);
};

/** For commands that read the bus: what it says of pods is true again. Reading goes on where that fails. */
export const closeLostFirst = async (homeFlag: string | undefined, terminal: Terminal): Promise<void> => {
  await bestEffort('pod.close-lost', { withinMs: CLOSE_BUDGET_MS }, () => openPodContext(homeFlag, terminal));
};

/** The pods that were named. @throws {NikaError} `NIKA_POD_UNKNOWN`, `NIKA_ENTITY_AMBIGUOUS` */
export const namedPods = async (names: readonly string[], { records }: PodContext): Promise<readonly PodRecord[]> => {
  const { resolvePod } = await import('../../pod/registry/resolve-pod.ts');
  return names.map((name) => resolvePod(name, records));
};
