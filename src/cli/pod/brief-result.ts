/** Owns `nika pod result --max-tokens`: how a pod ended and what it came to, in so many tokens at most. */
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { cutToTokens } from '../../swarm/digest/cut-to-tokens.ts';
import { checkMaxTokens } from '../../swarm/digest/max-tokens.ts';
import { openTokenCount } from '../../swarm/digest/token-count.ts';
import { clauseOf } from '../../swarm/state/clause.ts';
import { formatDuration, printable } from '../format.ts';
import { parseMaxTokens } from '../max-tokens.ts';
import { outcomeText } from '../words/outcome.ts';

const JOB_CHARS = 80;
const ERROR_SHARE = 0.5;
/** Room for what says how to get the rest, and for what a token more or less is at a seam. */
const FOOT_TOKENS = 60;

const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** @throws {NikaError} `NIKA_CLI_USAGE`, `NIKA_DIGEST_TOO_SMALL` */
export const briefResult = async (record: PodRecord, value: unknown, maxTokensText: string): Promise<string> => {
  const maxTokens = checkMaxTokens(parseMaxTokens(maxTokensText));
  const count = await openTokenCount();
  const { entity, job, end } = record;
  const how = end === null ? 'runs' : `${outcomeText(end.outcome)} after ${formatDuration(end.duration_ms)}`;
  const head = cutToTokens(`${entity} ${clauseOf(job, JOB_CHARS)}: ${how}`, maxTokens / 2, count);
  let left = maxTokens - FOOT_TOKENS - count(`${head}\n`);
  const [error, result] = [printable(end?.error ?? '').trim(), printable(textOf(value)).trim()];
  const toldError = cutToTokens(error, Math.floor(left * (result === '' ? 1 : ERROR_SHARE)), count);
  left -= count(`error: ${toldError}\n`);
  const told = cutToTokens(result, left, count);
  const rest = result.length - told.length + error.length - toldError.length;
  const lines = [
    head,
    toldError === '' ? '' : `error: ${toldError}`,
    told,
    rest === 0 ? '' : `… ${rest} more characters: nika pod result ${entity}`,
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
};
