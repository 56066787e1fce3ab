/** Owns the Claude Agent SDK as the tests have it: of the version of the CLI that they pin, which it runs. */
import type { CachedPackage } from './cli-cache.ts';

export const agentSdk: CachedPackage = {
  kind: 'claude-agent-sdk',
  package: '@anthropic-ai/claude-agent-sdk',
  version: '0.3.197',
  brings: 'node_modules/@anthropic-ai/claude-agent-sdk/package.json',
  installOptions: ['--omit=optional'], // its own copy of the CLI
};
