/** Owns the tool `contract`: the steps of a pipeline over several pods. */
import { z } from 'zod';
import type { WireStep } from '../../pod/memory/memory-protocol.ts';
import { clipLine, clipList } from '../clip.ts';
import { createTool, refused, said } from '../tool.ts';
import { jobField, memoryJob, placeText, withMemory } from './memory.ts';

const TOLD_CHARS = 300;

const lineOf = ({ name, state, role, needs, entity, output, reason, outputs }: WireStep): string => {
  const needed = needs.length === 0 ? '' : `, needs ${needs.join(' ')}`;
  const by = entity === undefined ? '' : ` by ${entity}`;
  const schema = state === 'completed' || outputs === undefined ? '' : `, output ${JSON.stringify(outputs)}`;
  const told = reason ?? (output === undefined ? '' : JSON.stringify(output));
  const came = told === '' ? '' : `: ${told}`;
  return clipLine(`${name} (${role}${needed}): ${state}${by}${schema}${came}`, TOLD_CHARS);
};

const input = z.strictObject({
  action: z.enum(['get', 'put', 'start', 'complete', 'fail']),
  step: z.string().optional(),
  contract: z
    .unknown()
    .optional()
    .describe('To put: {"steps": [{"name", "role", "needs"?: [], "inputs"?, "outputs"?: JSON Schema}]}'),
  inputs: z.unknown().optional(),
  output: z.unknown().optional(),
  reason: z.string().optional(),
  job: memoryJob,
});

export const contract = createTool({
  name: 'contract',
  title: 'Contract of a job',
  description:
    'Steps that pods share: get them, start one before you work on it, then complete it with its output, or fail it with a reason.',
  isReadOnly: false,
  input,
  call: ({ action, step, contract: document, inputs, output, reason, job }, context) =>
    withMemory(context, async (ask, maxChars) => {
      const whose = jobField(job);
      if (action === 'put') {
        const put = await ask('contract_put', { contract: document, ...whose });
        return said(`${put.job} has the contract.${placeText(put.why)}`);
      }
      if (action === 'get') {
        const got = await ask('contract_get', whose);
        if (!got.found) return said(`${got.job} has no contract.`);
        return said(
          clipList({ lines: got.steps.map(lineOf), maxChars, rest: (count) => `… and ${count} more steps.` }),
        );
      }
      if (step === undefined) return refused(`which step? "${action}" needs one`, 'get shows them.');
      const fields = { ...(inputs === undefined ? {} : { inputs }), ...(output === undefined ? {} : { output }) };
      const told = reason === undefined ? {} : { reason };
      const done = await ask('contract_step', { step, action, ...fields, ...told, ...whose });
      return said(`${step} is ${done.state}.${placeText(done.why)}`);
    }),
});
