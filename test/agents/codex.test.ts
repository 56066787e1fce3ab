/** Codex, the real one, as a pod. */
import { describeAgent } from './agent-cases.ts';
import { describeFaults } from './agent-faults.ts';
import type { AgentTruth } from './agent-truth.ts';
import { codexCall } from './cli/codex.ts';

const truth: AgentTruth = {
  tell: codexCall,
  exits: (exit) => ({ exit }),
  miss: { ok: false },
  unknown: { ok: false, source: 'stream' },
  invalid: { ok: false, source: 'stream' },
  denied: { ok: false },
  refused: { ok: false },
  hears: 'tool call',
  interrupted: { ok: false, interrupted: true },
  sub: 'default',
};

describeAgent('codex', truth);
describeFaults('codex', truth);
