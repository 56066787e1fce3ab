/** Owns the fields of a job that an agent does: which one, and what it is told. */
import { z } from 'zod';
import { AGENT_KINDS, PERMISSIONS } from '../../model/agent.ts';

const template = z.string().regex(/\$\{\{/, { abort: true });
const words = z.array(z.string()).max(1_000);

/** Of a job with `agent`; the job check sees to it that no other has them. */
export const OF_AGENT = ['prompt', 'interactive', 'model', 'permission', 'args', 'max_turns', 'resume'] as const;

export const AGENT_FIELDS = {
  agent: z.enum(AGENT_KINDS).optional().describe('An agent CLI, which is told `prompt`.'),
  prompt: z
    .union([z.string().min(1), z.strictObject({ file: z.string().min(1).max(4096) })], {
      error: 'must be text, or {file: <path>}',
    })
    .optional()
    .describe('What the agent is asked: text, or {file: <path>}, relative to the job file.'),
  interactive: z
    .boolean()
    .optional()
    .describe(
      "The agent's own screen, for a person: in the foreground, or with -d --tmux; a prompt is its first words.",
    ),
  model: z.string().optional().describe("A model, as the agent names it; default, and where it is empty: the agent's."),
  permission: z
    .union([z.enum(PERMISSIONS), template])
    .optional()
    .describe(
      'What it may do without asking: read; edit (also change files); full (anything that the policy does not deny); ask (default: as the agent is configured).',
    ),
  args: words.optional().describe('More arguments for the agent, as it has them.'),
  max_turns: z
    .union([z.int().min(1).max(1_000_000), template])
    .optional()
    .describe('Turns after which it ends, where the agent can be told so: not codex; opencode leaves it to its model.'),
  resume: z
    .string()
    .optional()
    .describe("A session of the agent that is gone on with, by the agent's own id; empty: a new one."),
};
