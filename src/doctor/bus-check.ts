/** Owns the check of the bus as files: on which disk, how large, whether it can be read, and torn ends. */
import { existsSync } from 'node:fs';
import { NikaError } from '../model/error.ts';
import { type BusShape, partsOfBus, shapeOf, tornTails } from './bus-shape.ts';
import { checkDiskKind, checkRoom } from './disk-check.ts';
import { counted, degraded, ok, sizeText, someOf, type Tell, wrong } from './finding.ts';
import { type Check, defaultDisk, homeOf, settingsOf } from './place.ts';

const EMPTY: BusShape = { fileCount: 0, sizeBytes: 0, grownBytes: 0, grownMs: 0 };

const tellTorn = (torn: readonly string[], tell: Tell): void => {
  if (torn.length === 0) return;
  const says = `${counted(torn.length, 'file')} that ${torn.length === 1 ? 'is' : 'are'} written to ${torn.length === 1 ? 'ends' : 'end'} in a torn line: ${someOf(torn)}`;
  const remedy =
    'A process was killed, or a disk was full, in the middle of a write; no line that was acknowledged is lost. "nika bus verify" shows what was torn.';
  tell(degraded('bus.torn', says, remedy));
};

const checkFiles = (busDir: string, tell: Tell): BusShape => {
  if (!existsSync(busDir)) {
    tell(ok('bus.size', 'nothing has run in this home yet'));
    return EMPTY;
  }
  const parts = partsOfBus(busDir);
  const shape = shapeOf(busDir, parts, Date.now());
  tell(ok('bus.size', `${sizeText(shape.sizeBytes)} in ${counted(shape.fileCount, 'file')}`));
  tellTorn(tornTails(parts), tell);
  return shape;
};

export const checkBusAndDisk: Check = async (place) => {
  const home = homeOf(place);
  if (home === undefined) return;
  const { tell } = place;
  checkDiskKind(home.busDir, tell);
  const disk = settingsOf(place, home)?.disk ?? defaultDisk();
  let shape = EMPTY;
  try {
    shape = checkFiles(home.busDir, tell);
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    tell(wrong('bus.size', thrown.message, thrown.remedy));
  }
  checkRoom(home.busDir, shape, { disk, tell });
};
