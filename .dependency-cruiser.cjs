/** What may import what. Each rule guards one line of ARCHITECTURE.md. */
const vendor = (name, path, allowed, comment) => ({
  name, severity: 'error', comment,
  from: { pathNot: allowed },
  to: { path },
});
module.exports = {
  forbidden: [
    { name: 'services-are-strangers', severity: 'error', comment: 'Services talk over the bus only; standalone and the CLI are composition roots.',
      from: { path: '^services/([^/]+)/', pathNot: '^services/(standalone|cli)/' }, to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' } },
    { name: 'libs-never-import-services', severity: 'error', from: { path: '^libs/' }, to: { path: '^services/' } },
    { name: 'contracts-is-a-leaf', severity: 'error', from: { path: '^libs/contracts/' }, to: { path: '^(services|libs/(?!contracts))' } },
    { name: 'libs-through-their-index', severity: 'error', comment: 'libs/*/src/index.ts names the public surface.',
      from: { path: '^(services|bench|tools)/' }, to: { path: '^libs/[^/]+/src/(?!index\\.ts)' } },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'decide-is-pure', severity: 'error', comment: 'decide has no I/O, no clock, no randomness; it may know the vocabulary only.',
      from: { path: '^services/coordinator/src/engine/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: '^(services/coordinator/src/engine/|libs/contracts/|node_modules/(@marcbachmann/cel-js|yaml|zod))' } },
    vendor('nats-behind-the-bus', '^node_modules/@nats-io/', '^(libs/(bus|testing)|bench/orchestration)/', 'NATS appears in libs/bus alone; the benchmark also measures the bare server.'),
    vendor('s3-behind-artifacts', '^node_modules/minio/', '^libs/artifacts/', 'The S3 client appears in libs/artifacts alone.'),
    vendor('anthropic-behind-its-adapter', '^node_modules/@anthropic-ai/', '^libs/(llm/src/anthropic\\.ts|testing/src/models/anthropic-wire\\.ts)', 'The SDK appears in its adapter; the simulator knows its types.'),
    vendor('openai-behind-its-adapter', '^node_modules/openai/', '^libs/(llm/src/openai\\.ts|testing/src/models/openai-wire\\.ts)', 'The SDK appears in its adapter; the simulator knows its types.'),
    vendor('github-behind-the-forge', '^node_modules/(@octokit/(core|auth-app|plugin-[a-z]+)|bottleneck|@modelcontextprotocol/client)/', '^libs/(forge/src/github|testing/src)/', 'GitHub’s client and that of its MCP server appear in libs/forge/src/github alone, and in the specs of the simulators.'),
    vendor('postgres-behind-the-store', '^node_modules/(pg|typeorm)/', '^(services/(coordinator|standalone)/|libs/(testing|embedded)/|bench/(orchestration|chaos)/)', 'Only the coordinator owns Postgres; the benchmark also measures the bare server, and the chaos suite looks what is left in it.'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports', 'imports'], conditionNames: ['pullwright-source', 'import', 'node', 'default', 'types'], extensions: ['.ts', '.js', '.json'] },
  },
};
