// An authorization server for tests: oidc-provider on a loopback port. Its one
// argument is a JSON object:
//   port     where to listen, 0 for any
//   keys     the private keys that it signs with, as a JWK set
//   clients  their metadata
//   tokens   by client: {format: "jwt" or "opaque", ttl: seconds, scope: what the resource knows}
//   groups   by user: what their tokens say in the claim groups
// It prints its URL, signs anybody in by the name that they give, and ends with
// its standard input.
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import Provider, { errors } from 'oidc-provider';

const config = JSON.parse(process.argv[2]);

const server = createServer();
await new Promise((resolve) => { server.listen(config.port, '127.0.0.1', resolve); });
const url = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(url, {
  jwks: config.keys,
  clients: config.clients,
  cookies: { keys: [randomBytes(16).toString('hex')] },
  enabledJWA: { idTokenSigningAlgValues: [...new Set(config.keys.keys.map((key) => key.alg))] },
  clientDefaults: { id_token_signed_response_alg: config.keys.keys[0].alg },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (ctx, token) => (token.accountId ? { groups: config.groups[token.accountId] ?? [] } : undefined),
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource, client) => {
        if (!resource.startsWith('http')) throw new errors.InvalidTarget();
        const { format, ttl, scope } = config.tokens[client.clientId];
        return {
          scope, audience: resource, accessTokenFormat: format, accessTokenTTL: ttl,
          jwt: format === 'jwt' ? { sign: { alg: config.keys.keys[0].alg } } : undefined,
        };
      },
    },
  },
});
provider.on('server_error', (ctx, err) => { console.error(err); });

server.on('request', provider.callback());
console.log(url);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
