/** Owns what a session is told of the room on the disk of its bus, in words. */
import type { Home } from '../config/home.ts';
import type { Settings } from '../config/settings.ts';
import { DiskWatch } from '../recorder/disk-watch.ts';

export interface SessionDiskOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly onEnough: (why: string) => void;
  readonly onLow: (why: string) => void;
}

export const watchSessionDisk = ({ home, settings, onEnough, onLow }: SessionDiskOptions): DiskWatch =>
  DiskWatch.start({
    path: home.busDir,
    ...settings.disk,
    onChange: (room, freePercent) => {
      const why = `${freePercent.toFixed(1)} % of the disk is free`;
      if (room === 'enough') onEnough(why);
      else onLow(`${why}${room === 'very low' ? '; long bodies are no longer kept' : ''}`);
    },
  });
