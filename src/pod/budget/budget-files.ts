/**
 * Owns the files of `run/budgets/`: what a project is known to have used, so that nobody has to read years of bus at each
 * start; and which warnings were given, so that of a fleet one pod gives each.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Settings } from '../../config/settings.ts';
import { makeFolder } from '../../failopen/make-folder.ts';
import { errnoOf } from '../../model/error.ts';
import { type PriceOf, Spending, spendingStateSchema } from '../../model/spending.ts';
import type { OthersState } from './others-use.ts';
import type { Reached } from './scope.ts';

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;

const knownSchema = z.object({
  v: z.literal(1),
  /** Of the prices by which it was estimated. */
  prices: z.string(),
  place: z.object({ begins: z.string(), byte: z.int().min(0) }),
  spending: spendingStateSchema,
  toolCalls: z.number(),
  wallMs: z.number(),
});

const dirOf = (runDir: string): string => join(runDir, 'budgets');
const knownPath = (runDir: string, project: string): string => join(dirOf(runDir), `${project}.json`);

const nameOfPrices = (prices: Settings['prices'], date: string): string =>
  createHash('sha256')
    .update(JSON.stringify([prices, date]))
    .digest('hex')
    .slice(0, 16);

export interface KnownOptions {
  readonly runDir: string;
  readonly project: string;
  readonly prices: Settings['prices'];
  /** Of the shipped prices. */
  readonly pricesDate: string;
}

/** `undefined`: nothing is known, or by other prices: all is read. */
export const readKnown = (options: KnownOptions, priceOf: PriceOf): OthersState | undefined => {
  try {
    const parsed = knownSchema.safeParse(JSON.parse(readFileSync(knownPath(options.runDir, options.project), 'utf8')));
    if (!parsed.success || parsed.data.prices !== nameOfPrices(options.prices, options.pricesDate)) return undefined;
    const { spending, toolCalls, wallMs, place } = parsed.data;
    return { spending: new Spending(priceOf, spending), toolCalls, wallMs, place };
  } catch {
    return undefined; // not there yet, or not to be read: all is read then
  }
};

/** @throws a system error */
export const writeKnown = ({ runDir, project, prices, pricesDate }: KnownOptions, state: OthersState): void => {
  const { place, spending, toolCalls, wallMs } = state;
  if (place === undefined) return;
  const known = { v: 1, prices: nameOfPrices(prices, pricesDate), place, spending: spending.state, toolCalls, wallMs };
  makeFolder(dirOf(runDir), DIR_MODE);
  const path = knownPath(runDir, project);
  const temp = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temp, JSON.stringify(known), { mode: FILE_MODE });
    renameSync(temp, path);
  } finally {
    rmSync(temp, { force: true });
  }
};

const MARK = 'warned.';
const DAY_MARK = /^warned\.(\d{4}-\d{2}-\d{2})\./;

/** Whether nobody gave this warning before: of a project, or of a day. @throws a system error */
export const isFirstToWarn = (runDir: string, { of, limit, max }: Reached): boolean => {
  const dir = dirOf(runDir);
  makeFolder(dir, DIR_MODE);
  try {
    writeFileSync(join(dir, `${MARK}${of}.${limit}.${max}`), '', { flag: 'wx', mode: FILE_MODE });
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') return false;
    throw thrown;
  }
  for (const name of readdirSync(dir)) {
    const day = DAY_MARK.exec(name)?.[1];
    if (day !== undefined && day < new Date().toISOString().slice(0, 10)) rmSync(join(dir, name), { force: true });
  }
  return true;
};
