/** Owns which adapter belongs to which agent; each is loaded where its agent is run. */
import type { AgentKind } from '../model/agent.ts';
import { NikaError } from '../model/error.ts';
import type { AgentAdapter } from './adapter.ts';

export const loadAdapter = async (kind: AgentKind): Promise<AgentAdapter> => {
  switch (kind) {
    case 'claude-code':
      return (await import('./claude/claude-adapter.ts')).claudeAdapter;
    case 'codex':
      return (await import('./codex/codex-adapter.ts')).codexAdapter;
    default:
      throw new NikaError('NIKA_AGENT_MISSING', `nika has no adapter for ${kind} yet`);
  }
};
