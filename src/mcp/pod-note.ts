/** Owns what is written into the story of the pod that the agent runs in, through the pod's own socket: the proof. */
import { NikaError } from '../model/error.ts';
import type { RequestOf } from '../pod/socket/protocol.ts';
import type { Caller } from './caller.ts';

const WITHIN_MS = 2_000;

/** @throws {NikaError} `NIKA_POD_OUTSIDE`, `NIKA_POD_UNREACHABLE`, `NIKA_POD_LATE` … */
export const writeNote = async ({ env }: Caller, note: RequestOf<'note'>): Promise<void> => {
  const { connect } = await import('../pod/client/client.ts');
  const path = env['NIKA_SOCKET'] ?? '';
  await using client = await connect({ path, client: 'nika mcp', deadlineMs: WITHIN_MS });
  await client.note(note);
};

/** The same for what is done already: why it is not on the record; `undefined`: it is, or there is none to be on. */
export const tryWriteNote = async (caller: Caller, text: string): Promise<string | undefined> => {
  if ((caller.env['NIKA_SOCKET'] ?? '') === '') return undefined;
  try {
    await writeNote(caller, { text });
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    return thrown.message;
  }
};
