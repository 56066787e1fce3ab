/** Owns the check of the bus as files: on which disk, how large, whether it can be read, and torn ends. */
import { existsSync } from 'node:fs';
import { readRedactions } from '../bus/redact/redaction.ts';
import { errorMessage } from '../model/error.ts';
import { type BusShape, shapeOf, type TornTails, tornTails } from './bus-shape.ts';
import { checkDiskKind, checkRoom } from './disk-check.ts';
import { counted, degraded, info, ok, sizeText, someOf, type Tell, wrong } from './finding.ts';
import { type Check, defaultDisk, homeOf, settingsOf } from './place.ts';

const EMPTY: BusShape = { fileCount: 0, sizeBytes: 0, grownBytes: 0, grownMs: 0, livePaths: [], isWhole: true };
/** Of the time the check has. */
const SHAPE_MS = 500;
const TORN_MS = 300;

const tellTorn = ({ torn, lookedAtCount }: TornTails, liveCount: number, tell: Tell): void => {
  if (lookedAtCount < liveCount) {
    const says = `of ${counted(liveCount, 'file')} there was time to look at the ends of the ${lookedAtCount.toLocaleString('en-US')} newest`;
    tell(info('bus.bounded', says, 'All of them: nika bus verify'));
  }
  if (torn.length === 0) return;
  const which = torn.length === 1 ? 'file that is written to ends' : 'files that are written to end';
  const remedy =
    'A process was killed, or a disk was full, in the middle of a write; no line that was acknowledged is lost. "nika bus verify" shows what was torn.';
  tell(degraded('bus.torn', `${torn.length} ${which} in a torn line: ${someOf(torn)}`, remedy));
};

/** Bodies that were to be taken out, and are not everywhere yet (G9). */
const tellRedactions = (runDir: string, tell: Tell): void => {
  const { redactions, unreadable } = readRedactions(runDir);
  const open = [...new Set(redactions.flatMap((redaction) => redaction.open))].join(', ');
  const remedy = 'Mend what keeps it from that, then run "nika bus redact --resume".';
  if (redactions.length > 0) {
    const says = `${counted(redactions.length, 'redaction')} not done everywhere yet: ${open}`;
    tell(wrong('bus.redactions', says, remedy));
  }
  if (unreadable.length > 0) {
    const says = `what was to be redacted cannot be read any more: ${someOf(unreadable)}`;
    tell(
      wrong('bus.redactions-unreadable', says, '"nika bus verify" tells what was not carried out; redact it again.'),
    );
  }
};

const checkFiles = (busDir: string, tell: Tell): BusShape => {
  if (!existsSync(busDir)) {
    tell(ok('bus.size', 'nothing has run in this home yet'));
    return EMPTY;
  }
  try {
    const shape = shapeOf(busDir, { nowMs: Date.now(), withinMs: SHAPE_MS });
    const more = shape.isWhole ? '' : 'more than ';
    tell(ok('bus.size', `${more}${sizeText(shape.sizeBytes)} in ${more}${counted(shape.fileCount, 'file')}`));
    tellTorn(tornTails(shape.livePaths, TORN_MS), shape.livePaths.length, tell);
    return shape;
  } catch (thrown) {
    const remedy = 'Give it to the user that runs nika: chown, chmod 700.';
    tell(wrong('bus.size', `the bus cannot be read: ${errorMessage(thrown)}`, remedy));
    return EMPTY;
  }
};

export const checkBusAndDisk: Check = async (place) => {
  const home = homeOf(place);
  if (home === undefined) return;
  const { tell } = place;
  checkDiskKind(home.busDir, tell);
  const shape = checkFiles(home.busDir, tell);
  tellRedactions(home.runDir, tell);
  checkRoom(home.busDir, shape, { disk: settingsOf(place, home)?.disk ?? defaultDisk(), tell });
};
