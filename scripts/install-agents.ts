/**
 * Installs the pinned versions of the agents' CLIs that the tests run into a cache outside of the repository:
 * `$NIKA_TEST_AGENTS_DIR`, else `$XDG_CACHE_HOME/nika/agents`, else `~/.cache/nika/agents`. What is there is left as it is.
 */
import { agentSdk } from '../test/agents/cli/agent-sdk.ts';
import { AGENT_CLIS, binDirOf, installCli } from '../test/agents/cli/cli-cache.ts';

for (const cli of [...Object.values(AGENT_CLIS), agentSdk]) {
  const name = 'program' in cli ? cli.program : cli.kind;
  const began = performance.now();
  try {
    const what = await installCli(cli);
    const took = what === 'installed' ? `, ${Math.round((performance.now() - began) / 1000)} s` : '';
    console.log(`${name} ${cli.version}: ${what} (${binDirOf(cli)}${took})`);
  } catch (thrown) {
    console.error(`${name} ${cli.version} could not be installed: ${String(thrown)}`);
    process.exitCode = 1;
  }
}
