/** Owns the lines of a file from its last to its first, as far back as somebody asks: what the end of a file tells is near. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LINE_MAX_BYTES, tryParseLine } from '../line.ts';
import { LINE_START, salvage } from './salvage.ts';

const FIRST_STEP_BYTES = 16 * 1024;
const MAX_STEP_BYTES = 1024 * 1024;
/** What has no line feed for so long is no line, nor several. */
const MAX_HELD_BYTES = 3 * LINE_MAX_BYTES;
const LINE_FEED = 10;

/** The whole lines in what stands between two line feeds, the last one first: one, or those that were glued to a torn one. */
const wholeLines = (text: string): readonly string[] => {
  if (text.startsWith(LINE_START) && text.endsWith('"}') && !text.includes(LINE_START, 1)) return [text];
  if (!text.includes(LINE_START)) return [];
  if (tryParseLine(text) !== undefined) return [text];
  const whole = salvage(text).filter(({ kind }) => kind === 'whole');
  return whole.map(({ start, end }) => text.slice(start, end)).toReversed();
};

/**
 * The whole lines as they stood when it began, the last one first, each read as Latin-1; no further than `maxBytes` back.
 * @throws a system error.
 */
export function* linesBackward(path: string, maxBytes: number): Generator<string> {
  const fd = openSync(path, 'r');
  try {
    let position = fstatSync(fd).size;
    const stopAt = position - maxBytes;
    let held = Buffer.alloc(0);
    for (let step = FIRST_STEP_BYTES; position > Math.max(0, stopAt); step = Math.min(4 * step, MAX_STEP_BYTES)) {
      const wanted = Math.min(step, position);
      const bytes = Buffer.allocUnsafe(wanted + held.byteLength);
      if (readSync(fd, bytes, 0, wanted, position - wanted) < wanted) return; // it was cut meanwhile
      held.copy(bytes, wanted);
      position -= wanted;
      const first = position === 0 ? -1 : bytes.indexOf(LINE_FEED);
      const from = position > 0 && first === -1 ? bytes.byteLength : first + 1;
      const lines = bytes.toString('latin1', from).split('\n');
      for (let at = lines.length - 1; at >= 0; at -= 1) yield* wholeLines(lines[at] ?? '');
      held = bytes.subarray(0, Math.min(from, MAX_HELD_BYTES));
    }
  } finally {
    closeSync(fd);
  }
}
