/** Owns the check of the disk under the bus: of what kind it is, how much is free, and for how long at this pace. */
import { existsSync, statfsSync, type StatsFs } from 'node:fs';
import { dirname } from 'node:path';
import type { Settings } from '../config/settings.ts';
import type { BusShape } from './bus-shape.ts';
import { degraded, type Finding, ok, sizeText, type Tell, wrong } from './finding.ts';

/** Numbers of statfs(2), magic.h. */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xfe534d42: 'SMB',
  0xff534d42: 'CIFS',
  0x01021997: '9p',
  0x00c36400: 'Ceph',
  0x5346414f: 'AFS',
  0x0bd00bd0: 'Lustre',
  0x01161970: 'GFS2',
  0x7461636f: 'OCFS2',
  0x47504653: 'GPFS',
  0x65735546: 'FUSE, which is often a network',
  0x6a656a63: 'a folder shared with a virtual machine',
};
const OVERLAY = 0x794c7630;
const MEMORY: Readonly<Record<number, string>> = { 0x01021994: 'tmpfs', 0x858458f6: 'ramfs' };

/** What a disk of that type means for the bus. */
export const kindOfDisk = (type: number, busDir: string): Finding => {
  const at = type >>> 0; // the kernel's numbers have 32 bits, and may come with their sign
  const network = NETWORK[at];
  if (network !== undefined) {
    const remedy = 'Put the home on a local disk: one that hangs holds every pod that writes there.';
    return degraded('bus.disk', `${busDir} is on a network disk (${network})`, remedy);
  }
  if (at === OVERLAY) {
    const remedy = 'Put the home on a volume: what is on an overlay goes with its container.';
    return degraded('bus.disk', `${busDir} is on an overlay, the layer of a container`, remedy);
  }
  const memory = MEMORY[at];
  if (memory === undefined) return ok('bus.disk', 'on a local disk');
  const remedy = 'Put the home on a disk: this one is empty after a reboot.';
  return degraded('bus.disk', `${busDir} is in memory (${memory})`, remedy);
};

const DAY_MS = 24 * 3_600_000;

export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Days until as little is free as `floorPercent`, at the pace of the bus; `undefined`: it is too young, or does not grow. */
export const forecastDays = (
  { freeBytes, totalBytes }: Room,
  floorPercent: number,
  { grownBytes, grownMs }: Pick<BusShape, 'grownBytes' | 'grownMs'>,
): number | undefined => {
  if (grownMs < DAY_MS || grownBytes <= 0) return undefined;
  const spare = freeBytes - (totalBytes * floorPercent) / 100;
  return Math.max(0, spare) / ((grownBytes / grownMs) * DAY_MS);
};

const SOON_DAYS = 14;
const FAR_DAYS = 3650;

const paceText = (room: Room, floorPercent: number, shape: BusShape): string => {
  if (!shape.isWhole) return 'the bus has too many files for a forecast';
  const days = forecastDays(room, floorPercent, shape);
  if (days === undefined) return 'the bus is too young for a forecast';
  const { grownBytes, grownMs } = shape;
  const perDay = sizeText((grownBytes / grownMs) * DAY_MS);
  const span = days > FAR_DAYS ? 'more than 10 years' : `${Math.floor(days).toLocaleString('en-US')} days`;
  return `the bus grows by ${perDay} a day: ${span} until ${floorPercent} % are free`;
};

const MAKE_ROOM = 'Make room, or move the home to a larger disk.';

/** Told twice over: how much is free now, and when it will be too little. */
const roomFinding = (room: Room, disk: Settings['disk'], shape: BusShape): Finding => {
  const { freeBytes, totalBytes } = room;
  const percent = totalBytes === 0 ? 100 : (freeBytes / totalBytes) * 100;
  const free = `${sizeText(freeBytes)} of ${sizeText(totalBytes)} free (${percent.toFixed(percent < 10 ? 1 : 0)} %)`;
  const { warnFreePercent, noBlobsFreePercent } = disk;
  if (percent < noBlobsFreePercent)
    return wrong('disk.free', `${free}: long bodies are no longer kept whole`, MAKE_ROOM);
  if (percent < warnFreePercent) return degraded('disk.free', free, MAKE_ROOM);
  const says = `${free}; ${paceText(room, warnFreePercent, shape)}`;
  const days = (shape.isWhole ? forecastDays(room, warnFreePercent, shape) : undefined) ?? Infinity;
  return days < SOON_DAYS ? degraded('disk.free', says, MAKE_ROOM) : ok('disk.free', says);
};

/** Whether nothing more can be written: no block, or no file. Disks without a limit of either tell 0 of 0. */
export const isFull = ({ bavail, blocks, ffree, files }: Pick<StatsFs, 'bavail' | 'blocks' | 'ffree' | 'files'>) =>
  (blocks > 0 && bavail <= 0) || (files > 0 && ffree <= 0);

const LOW_FILES_PERCENT = 5;

const nearestThere = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));

export const checkDiskKind = (busDir: string, tell: Tell): void =>
  tell(kindOfDisk(statfsSync(nearestThere(busDir)).type, busDir));

export const checkRoom = (
  busDir: string,
  shape: BusShape,
  { disk, tell }: { disk: Settings['disk']; tell: Tell },
): void => {
  const { bavail, blocks, bsize, files, ffree } = statfsSync(nearestThere(busDir));
  tell(roomFinding({ freeBytes: bavail * bsize, totalBytes: blocks * bsize }, disk, shape));
  const filesPercent = files === 0 ? 100 : (ffree / files) * 100;
  if (filesPercent >= LOW_FILES_PERCENT) return;
  const says = `the disk has room for only ${ffree.toLocaleString('en-US')} more files (${filesPercent.toFixed(1)} % of its inodes)`;
  tell(
    degraded('disk.files', says, 'Remove files that are not needed; old entities: nika bus has them in one file each.'),
  );
};
