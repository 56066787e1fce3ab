/** Owns the end of what a program wrote, as a reason shows it. */
import { stripVTControlCharacters } from 'node:util';

const LINES = 10;

export const lastLines = (text: string): string =>
  stripVTControlCharacters(text).trimEnd().split('\n').slice(-LINES).join('\n');
