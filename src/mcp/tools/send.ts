/** Owns the tool `send`: a message to another pod. */
import { z } from 'zod';
import { connect } from '../../pod/client/client.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import { resolvePod } from '../../pod/registry/resolve-pod.ts';
import { standingText } from '../pod-line.ts';
import { createTool, refused, said } from '../tool.ts';
import { podId } from './input.ts';

const CONNECT_BUDGET_MS = 2_000;

const input = z.strictObject({
  id: podId,
  text: z.string().min(1).max(16_000).describe('What it is told. It sees that it comes from you.'),
});

export const send = createTool({
  name: 'send',
  title: 'Send a message to a pod',
  description: 'Sends a message to a pod that runs; an agent gets it at its next tool call. There is no answer.',
  isReadOnly: false,
  input,
  call: async ({ id, text }, { caller, openPlace, signal }) => {
    const { records, self } = await openPlace();
    const record = resolvePod(id, records);
    const { entity, socket, end } = record;
    if (entity === self) return refused(`${entity} is the pod that you run in.`);
    if (isOver(record)) return refused(`${entity} has ended: ${standingText(record)}`, 'Start a new pod instead.');
    if (socket === null || end !== null) {
      return refused(`${entity} cannot be reached now: ${standingText(record)}`, 'Try again later.');
    }
    const within = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_BUDGET_MS)]);
    await using client = await connect({ path: socket, signal: within, client: 'nika mcp' });
    const listeners = await client.send({ text, from: self ?? caller.client }, signal);
    return said(
      listeners === 0
        ? `${entity} has the message, and nothing in it listens now: it is heard when something does.`
        : `${entity} has the message.`,
    );
  },
});
