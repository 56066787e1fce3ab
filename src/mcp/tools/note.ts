/** Owns the tool `note`: a line in the story of the pod. */
import { z } from 'zod';
import { writeNote } from '../pod-note.ts';
import { createTool, refused, said } from '../tool.ts';

const input = z.strictObject({
  text: z.string().min(1).max(4_000),
  level: z.enum(['info', 'warn', 'error']).default('info'),
});

export const note = createTool({
  name: 'note',
  title: 'Note for the record',
  description:
    'Writes a note into the permanent record of your pod, for people: a decision, a finding, what is left to do.',
  isReadOnly: false,
  input,
  call: async (wish, { caller }) => {
    if ((caller.env['NIKA_SOCKET'] ?? '') === '') {
      return refused('you run outside of pods: there is no record to write to', 'Go on without.');
    }
    await writeNote(caller, wish);
    return said('Noted.');
  },
});
