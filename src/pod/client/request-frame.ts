/**
 * Owns how a client's request becomes a frame: what a tool was given or gave may be anything, and a report of it is sent
 * in any case, if need be with a word in place of what cannot be.
 */
import { errorMessage, NikaError } from '../../model/error.ts';
import { encodeFrame, FRAME_MAX_BYTES } from '../socket/frames.ts';
import type { Op } from '../socket/protocol.ts';

/** Reports of what has happened. Where the pod is asked, a part of the question would be another question. */
const REPORTS: readonly Op[] = ['tool_call', 'tool_end'];
const BODIES: readonly string[] = ['input', 'response', 'error'];
/** Of a body that is too long: the pod's own cap is lower. */
const KEPT_CHARS = 1024 * 1024;

/** Stands for a body: what it begins with, or why there is nothing. */
const standIn = (body: unknown): unknown => {
  if (typeof body === 'string') return body.slice(0, KEPT_CHARS).toWellFormed();
  try {
    const json: unknown = JSON.stringify(body);
    if (typeof json !== 'string' || json.length <= KEPT_CHARS) return body;
    return { unsent_chars: json.length - KEPT_CHARS, head: json.slice(0, KEPT_CHARS).toWellFormed() };
  } catch (thrown) {
    return { unsent: errorMessage(thrown) };
  }
};

const tryEncode = (message: object): Buffer | string => {
  try {
    const frame = encodeFrame(message);
    return frame.length <= FRAME_MAX_BYTES ? frame : `it has ${frame.length} bytes; ${FRAME_MAX_BYTES} are allowed`;
  } catch (thrown) {
    return errorMessage(thrown);
  }
};

/** @throws {NikaError} `NIKA_POD_PROTOCOL` for a request that cannot be sent as it is and is no report */
export const encodeRequest = (id: number, op: Op, fields: object): Buffer => {
  const whole = tryEncode({ id, op, ...fields });
  if (typeof whole !== 'string') return whole;
  if (REPORTS.includes(op)) {
    const entries = Object.entries<unknown>({ ...fields });
    const fitting = entries.map(([key, value]) => [key, BODIES.includes(key) ? standIn(value) : value] as const);
    const cut = tryEncode({ id, op, ...Object.fromEntries(fitting) });
    if (typeof cut !== 'string') return cut;
  }
  throw new NikaError('NIKA_POD_PROTOCOL', `"${op}" cannot be sent: ${whole}`, {
    remedy: 'Give JSON of less than 4 MiB.',
  });
};
