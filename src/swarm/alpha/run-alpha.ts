/** Owns what an Alpha runs with: its duties and the reader of the feed, put together once. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import type { PodListener } from '../../pod/pod-event.ts';
import { loadReader } from '../follow/load-reader.ts';
import { Alpha } from './alpha.ts';
import type { AlphaRecord } from './alpha-record.ts';
import { createDuties, DUTY_TIMES } from './duties.ts';
import { ROLE_TIMES, type RoleTimes } from './role.ts';
import type { DutyTimes } from './duties.ts';

export interface RunAlphaOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly listener?: PodListener;
  readonly onRecord?: (record: AlphaRecord) => void;
  readonly times?: RoleTimes;
  readonly dutyTimes?: DutyTimes;
}

/** Until the signal is aborted; then it ends within a second. @throws {NikaError} `NIKA_BUS_KEY` */
export const runAlpha = async (options: RunAlphaOptions, signal: AbortSignal): Promise<void> => {
  const { times = ROLE_TIMES, dutyTimes = DUTY_TIMES, ...rest } = options;
  const startReader = await loadReader();
  await Alpha.run({ ...rest, times, duties: createDuties(dutyTimes), startReader }, signal);
};
