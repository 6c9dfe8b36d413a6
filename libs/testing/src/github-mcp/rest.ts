/** GitHub's REST API as the GitHub MCP server asks it: read-only, one token, below `<host>/api/v3`. */
export class Rest {
  readonly #root: string;

  /** Without a host it is github.com. */
  constructor(host: string | undefined, private readonly token: string) {
    this.#root = host === undefined ? 'https://api.github.com' : `${host.replace(/\/+$/, '')}/api/v3`;
  }

  async #ask(path: string, query: Record<string, string | number | undefined>, accept: string): Promise<Response> {
    const url = new URL(`${this.#root}${path}`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    const response = await fetch(url, { headers: { accept, authorization: `Bearer ${this.token}`, 'user-agent': 'github-mcp-server/stand-in' } });
    if (response.ok) return response;
    const { message = response.statusText } = await response.json().catch(() => ({})) as { message?: string };
    throw new RestError(response.status, response.status === 422 ? message : `GET ${url.href}: ${response.status} ${message} []`);
  }

  async get(path: string, query: Record<string, string | number | undefined> = {}): Promise<unknown> {
    return (await this.#ask(path, query, 'application/vnd.github.v3+json')).json();
  }

  async blob(repository: string, sha: string): Promise<Buffer> {
    return Buffer.from(await (await this.#ask(`${repository}/git/blobs/${sha}`, {}, 'application/vnd.github.v3.raw')).arrayBuffer());
  }
}

export class RestError extends Error {
  constructor(readonly status: number, message: string) { super(message); }
}

export function repositoryPath(owner: string, repo: string): string {
  return `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}`;
}

/** Slashes stay: refs and paths have them. */
export function escaped(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
