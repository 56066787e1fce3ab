/** Owns what may be a pod's result: JSON that fits into one frame. What does not is refused where it is given (G3). */
import { errorMessage, NikaError } from '../../model/error.ts';
import { FRAME_MAX_BYTES } from '../socket/frames.ts';

/** Room for the rest of a frame. */
const RESULT_MAX_BYTES = FRAME_MAX_BYTES - 1024;

/**
 * The value as it stands now, whatever becomes of its objects later; `null` for what JSON leaves out.
 * @throws {NikaError} `NIKA_POD_RESULT`
 */
export const plainResult = (value: unknown): unknown => {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (thrown) {
    throw new NikaError('NIKA_POD_RESULT', `the result is no JSON: ${errorMessage(thrown)}`, { cause: thrown });
  }
  if (json === undefined) return null; // undefined, a function, a symbol
  const bytes = Buffer.byteLength(json);
  if (bytes > RESULT_MAX_BYTES) {
    throw new NikaError('NIKA_POD_RESULT', `the result has ${bytes} bytes of JSON; ${RESULT_MAX_BYTES} are allowed`);
  }
  return JSON.parse(json);
};
