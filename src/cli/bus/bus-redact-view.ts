/** Owns how a redaction is told: what it will touch, what was done, and what it does not reach. */
import type { CarriedOut } from '../../swarm/redact/carry-out.ts';
import type { RedactionPlan } from '../../swarm/redact/plan-redaction.ts';
import { printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';

const SHOWN_COUNT = 20;
const SHOWN_IDS = 3;

const plural = (count: number, one: string): string =>
  `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`;

/** The same as a value, for `--json`. */
export const planJson = ({ redaction, shared, before, refused, keptWords }: RedactionPlan): object => ({
  lines: redaction.lines.map(({ file, writer, seq, id, type, entity, ts, fits }) => ({
    file,
    writer,
    seq,
    id,
    type,
    entity,
    ts,
    fits,
  })),
  blobs: redaction.blobs,
  shared_blobs: shared,
  redacted_before: before,
  refused,
  kept_words: keptWords,
});

const tellLines = ({ redaction: { lines } }: RedactionPlan, { print, paint }: Terminal): void => {
  for (const { ts, type, entity, file, fits } of lines.slice(0, SHOWN_COUNT)) {
    const doubt = fits ? '' : paint('red', '  was changed before: it does not fit its chain');
    print(`  ${printable(ts)}  ${printable(type)}  ${printable(entity)}  ${paint('dim', file)}${doubt}\n`);
  }
  if (lines.length > SHOWN_COUNT) print(paint('dim', `  … and ${lines.length - SHOWN_COUNT} more\n`));
};

/** What is to be taken out, and what stays. */
export const tellPlan = (plan: RedactionPlan, terminal: Terminal): void => {
  const { redaction, shared, before, refused, keptWords } = plan;
  const { print, warn, paint } = terminal;
  const nika = paint('yellow', 'nika:');
  print(`${plural(redaction.lines.length, 'line')} to redact, ${plural(redaction.blobs.length, 'blob')} to remove\n`);
  tellLines(plan, terminal);
  for (const sha256 of redaction.blobs) print(`  blob ${sha256}\n`);
  if (keptWords.length > 0)
    print(`  stays in the envelope: ${printable(keptWords.join(', '))} (--envelope takes it out)\n`);
  for (const { sha256, ids } of shared) {
    const some = ids.slice(0, SHOWN_IDS).join(', ');
    const more = ids.length > SHOWN_IDS ? ` and ${ids.length - SHOWN_IDS} more` : '';
    warn(
      `${nika} the blob ${sha256} stays: other lines refer to it (${some}${more}); --blob takes it out with all of them`,
    );
  }
  for (const id of before) warn(`${nika} ${id} was redacted before`);
  for (const { id, why } of refused) warn(`${nika} ${id} is left as it is: ${why}`);
};

const STEP_WORDS = { bus: 'told on the bus', files: 'bus', redis: 'redis', qdrant: 'qdrant' } as const;

/** What it does not know of. */
const BEYOND =
  "Not looked through: logs/, artifacts and what pods hold in memory, agents' own session files, copies and backups. A secret that got through is to be replaced where it is used.";

export const tellCarriedOut = ({ redaction, steps }: CarriedOut, terminal: Terminal): void => {
  const { print, warn, paint } = terminal;
  for (const { step, outcome } of steps) {
    const mark = outcome.kind === 'done' ? paint('green', '✓') : paint('red', '✗');
    print(`${mark} ${STEP_WORDS[step]}: ${printable(outcome.kind === 'done' ? outcome.told : outcome.why)}\n`);
  }
  const isOpen = redaction.open.length > 0 || !redaction.announced;
  if (isOpen) {
    const rest = `the rest is kept: nika bus redact --resume`;
    print(
      `${paint('yellow', `Redaction ${redaction.redaction} is not done everywhere`)}; ${asCalled(terminal, rest)}\n`,
    );
  } else print(`${paint('green', `Redacted (${redaction.redaction})`)}.\n`);
  warn(BEYOND);
};
