/** Owns the signals of one session of a pod: in whose name, where they are recorded, what was dropped of them. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import type { PodEntity } from '../entity.ts';
import type { Session } from '../session.ts';
import { SignalStation } from './signal-station.ts';

/** Nothing is connected before the first signal. */
export const openSignals = (
  session: Session,
  entity: PodEntity,
  { home, settings }: { readonly home: Home; readonly settings: Settings },
): SignalStation => {
  const station = new SignalStation({
    redis: settings.redis,
    link: session.link,
    runDir: home.runDir,
    busDir: home.busDir,
    self: entity.id,
    meta: entity.meta,
    record: (data) => entity.record('signal', data),
  });
  session.countDrops(() => station.dropped());
  return station;
};
