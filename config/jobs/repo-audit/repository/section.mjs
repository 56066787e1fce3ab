/**
 * Owns how the programs of the audit are called and how they answer: one folder in, one line of JSON out.
 *
 * D1. What a program prints stays small (G6): lists are cut to `top`, texts to a line; it goes onto the bus with its call.
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { lookAtPlace } from './place.mjs';

/**
 * @typedef {object} AuditRequest
 * @property {import('./place.mjs').Place} place
 * @property {number} top how many entries lists have, 1 to 50
 * @property {string} since what git takes for a date
 */

const MAX_TOP = 50;

/** @param {string} text */
const parseTop = (text) => {
  const top = Number(text);
  if (!Number.isInteger(top) || top < 1) throw new RangeError(`--top must be a whole number from 1 on, not "${text}"`);
  return Math.min(top, MAX_TOP);
};

/**
 * Runs one analysis on the folder that the command line names and prints what it found, with the name of the section;
 * what went wrong is said on standard error, and the exit code is 1.
 * @param {string} name
 * @param {(request: AuditRequest) => object | Promise<object>} analyse
 */
export const printSection = async (name, analyse) => {
  try {
    await run(name, analyse);
  } catch (thrown) {
    process.stderr.write(`${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exitCode = 1;
  }
};

/** @param {string} name @param {(request: AuditRequest) => object | Promise<object>} analyse */
const run = async (name, analyse) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { top: { type: 'string', default: '10' }, since: { type: 'string', default: '12 months ago' } },
  });
  const root = resolve(positionals[0] ?? '.');
  readdirSync(root); // throws where there is nothing to audit
  const found = await analyse({ place: await lookAtPlace(root), top: parseTop(values.top), since: values.since });
  process.stdout.write(`${JSON.stringify({ section: name, ...found })}\n`);
};
