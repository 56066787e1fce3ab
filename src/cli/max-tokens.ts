/** Owns how a number of tokens is given on the command line. */
import { NikaError } from '../model/error.ts';

/** @throws {NikaError} `NIKA_CLI_USAGE` */
export const parseMaxTokens = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new NikaError('NIKA_CLI_USAGE', `--max-tokens takes a number, not "${text.slice(0, 40)}"`, {
    remedy: 'Write it as digits: --max-tokens 800',
  });
};
