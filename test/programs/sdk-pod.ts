/** A program that is a pod and runs the real Claude Agent SDK with nika's hooks: `sdk-pod.ts <folder of the SDK> <claude>`. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nikaHooks, Pod } from '../../src/index.ts';

interface Sdk {
  readonly query: (wish: { prompt: string; options: Record<string, unknown> }) => AsyncIterable<{ type: string }>;
}

const [, , folder = '', claude = ''] = process.argv;
const resolve = createRequire(join(folder, 'package.json')).resolve('@anthropic-ai/claude-agent-sdk');
const { query } = (await import(pathToFileURL(resolve).href)) as Sdk;

await Pod.run({ job: 'sdk', domain: 'test', intent: 'prove', id: 'JOB-agent' }, async (pod) => {
  const { hooks, see } = nikaHooks(pod);
  const options = {
    hooks,
    pathToClaudeCodeExecutable: claude,
    permissionMode: 'bypassPermissions',
    allowDangerouslySkipPermissions: true,
    model: 'claude-sonnet-4-5',
    cwd: process.cwd(),
  };
  for await (const message of query({ prompt: 'Do what the script says.', options })) see(message);
});
