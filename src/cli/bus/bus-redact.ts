/** Owns `nika bus redact`: what it asks, tells and ends with. */
import { createInterface } from 'node:readline/promises';
import { createChain } from '../../bus/chain.ts';
import { tryLock } from '../../bus/segments.ts';
import { type Settings, loadSettings } from '../../config/settings.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { randomBase32 } from '../../model/id.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { type CarriedOut, carryOut, type CarryOutOptions } from '../../swarm/redact/carry-out.ts';
import { copiesOf } from '../../swarm/redact/copies-of.ts';
import { planRedaction, type RedactionPlan } from '../../swarm/redact/plan-redaction.ts';
import { readRedactions } from '../../bus/redact/redaction.ts';
import { resolveReviewer } from '../../swarm/review/reviewer.ts';
import { interruption } from '../ending.ts';
import { startProgress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { planJson, tellCarriedOut, tellPlan } from './bus-redact-view.ts';
import { nothingYet, type OpenedBus, openBus } from './open-bus.ts';

export interface RedactOptions {
  readonly reason?: string;
  readonly blob?: readonly string[];
  readonly envelope?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly resume?: true;
  readonly json?: true;
  readonly home?: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const REASON_MAX_CHARS = 500;
const ID_CHARS = 12;

const usage = (message: string, remedy: string): NikaError => new NikaError('NIKA_CLI_USAGE', message, { remedy });

const parseIds = (texts: readonly string[], form: RegExp, what: string): readonly string[] => {
  const ids = texts.map((text) => text.trim().toLowerCase());
  const bad = ids.find((id) => !form.test(id));
  if (bad === undefined) return [...new Set(ids)];
  throw usage(`"${bad.slice(0, 100)}" is not ${what}`, 'Find it: nika bus grep WORD --json | jq -r .id');
};

/** Why, without secrets: it stands on the bus for ever. */
const parseReason = ({ reason }: RedactOptions, settings: Settings, terminal: Terminal): string => {
  if (reason === undefined || reason.trim() === '') throw usage('a redaction needs a reason', 'Give --reason "…".');
  if (reason.length > REASON_MAX_CHARS)
    throw usage(`the reason has more than ${REASON_MAX_CHARS} characters`, 'Say it in one sentence.');
  const { maxBodyBytes, redact } = settings.recorder;
  const { text, redacted } = createBodyEncoder({ maxBodyBytes, patterns: redact }).encodeText(reason.trim());
  if (redacted !== undefined)
    terminal.warn(`${terminal.paint('yellow', 'nika:')} the reason held a secret itself: "${text}" is kept`);
  return text;
};

/** On a terminal a person says yes; elsewhere `--yes` does. */
const confirm = async ({ yes, json }: RedactOptions, terminal: Terminal): Promise<boolean> => {
  if (yes === true) return true;
  if (json === true || !process.stdin.isTTY || !terminal.stderr.isTTY)
    throw usage('nobody is here to confirm it', 'Look at it with --dry-run, then give --yes.');
  using lines = createInterface({ input: process.stdin, output: process.stderr });
  return /^y(es)?$/i.test((await lines.question('What is taken out cannot be brought back. Go on? [y/N] ')).trim());
};

const carryOutOptions = ({ home }: OpenedBus, settings: Settings, { env }: Terminal): CarryOutOptions => ({
  home,
  settings,
  env,
  services: copiesOf(home, settings),
  signal: interruption(),
});

const tell = (carried: CarriedOut, { json }: RedactOptions, terminal: Terminal): void => {
  if (json)
    terminal.print(
      `${JSON.stringify({ redaction: carried.redaction.redaction, open: carried.redaction.open, steps: carried.steps })}\n`,
    );
  else tellCarriedOut(carried, terminal);
  const isOpen = carried.redaction.open.length > 0 || !carried.redaction.announced;
  if (isOpen) process.exitCode = 1;
};

const notKept = (thrown: unknown): NikaError =>
  new NikaError('NIKA_REDACT_NOT_DONE', `nothing was taken out: ${errorMessage(thrown)}`, { cause: thrown });

/** Goes on with all that is not done. */
const resume = async (options: CarryOutOptions, flags: RedactOptions, terminal: Terminal): Promise<number> => {
  const { redactions, unreadable } = readRedactions(options.home.runDir);
  for (const path of unreadable)
    terminal.warn(`${terminal.paint('yellow', 'nika:')} ${path} cannot be read: what it was to redact is not known`);
  for (const redaction of redactions) tell(await carryOut(redaction, options), flags, terminal);
  return redactions.length;
};

const checkFound = (plan: RedactionPlan, blobs: readonly string[]): void => {
  const { unknown, redaction, before, refused } = plan;
  const [first] = [...unknown, ...(redaction.lines.length + before.length + refused.length === 0 ? blobs : [])];
  if (first === undefined) return;
  const more = unknown.length > 1 ? `, nor ${unknown.length - 1} others` : '';
  throw new NikaError('NIKA_REDACT_NOT_FOUND', `no line has ${first}${more}; nothing was taken out`, {
    subject: first,
  });
};

const redactNew = async (
  ids: readonly string[],
  flags: RedactOptions,
  bus: OpenedBus,
  terminal: Terminal,
): Promise<void> => {
  const settings = loadSettings(bus.home, terminal.env);
  const options = carryOutOptions(bus, settings, terminal);
  if (flags.dryRun !== true) await resume(options, flags, terminal);
  const blobs = parseIds(flags.blob ?? [], SHA256, 'the SHA-256 of a blob');
  const { by } = resolveReviewer(bus.home, terminal.env);
  const reason = parseReason(flags, settings, terminal);
  const at = new Date().toISOString();
  using progress = startProgress(terminal, 'looking for it');
  const plan = await planRedaction({
    busDir: bus.busDir,
    chain: createChain(settings.bus.keyFile),
    ids: parseIds(ids, UUID, 'the id of an event'),
    blobs,
    mark: { redaction: randomBase32(ID_CHARS), reason, by, at, dropsWords: flags.envelope === true },
    signal: options.signal,
    onProgress: progress.onProgress,
  });
  progress.clear();
  checkFound(plan, blobs);
  if (flags.json !== true) tellPlan(plan, terminal);
  else if (flags.dryRun === true) terminal.print(`${JSON.stringify(planJson(plan))}\n`);
  if (flags.dryRun === true || plan.redaction.lines.length + plan.redaction.blobs.length === 0) return;
  if (!(await confirm(flags, terminal))) {
    terminal.warn('Nothing was taken out.');
    process.exitCode = 1;
    return;
  }
  try {
    tell(await carryOut(plan.redaction, options), flags, terminal);
  } catch (thrown) {
    options.signal.throwIfAborted();
    throw notKept(thrown);
  }
};

/** Exit code 0: done, 1: not done everywhere yet, 2: usage, or not found. */
export const redact = async (ids: readonly string[], flags: RedactOptions, terminal: Terminal): Promise<void> => {
  const bus = openBus(flags.home, terminal);
  if (flags.resume !== true && ids.length + (flags.blob ?? []).length === 0)
    throw usage('it is not said what to redact', 'Give ids of events, or --blob SHA256, or --resume.');
  if (bus.isEmpty) {
    if (flags.json !== true) terminal.print(`${nothingYet(bus)}.\n`);
    return;
  }
  await using lock = await tryLock(bus.busDir, 'redact');
  if (lock === undefined) throw new NikaError('NIKA_REDACT_BUSY', 'another redaction of this home is under way');
  if (flags.resume !== true) {
    await redactNew(ids, flags, bus, terminal);
    return;
  }
  const options = carryOutOptions(bus, loadSettings(bus.home, terminal.env), terminal);
  if ((await resume(options, flags, terminal)) === 0 && flags.json !== true) terminal.print('Nothing is left to do.\n');
};
