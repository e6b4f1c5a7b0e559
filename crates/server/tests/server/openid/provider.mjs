// A provider of OpenID Connect on this machine: node provider.mjs PACKAGES [KEY CERT]. Prints its issuer once it listens.
// Its sign-in page, that of oidc-provider for development, takes any password.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, key, cert] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(join(packages, 'oidc-provider/lib/index.js')));

const people = {
  ann: { email: 'ann@example.org', email_verified: true, groups: ['staff', 'platform'] },
  bob: { email: 'bob@example.org', email_verified: true, groups: ['staff'] },
  eve: { email: 'eve@example.org', email_verified: true, groups: [] },
  kim: { email: 'kim@example.org', email_verified: true, groups: ['staff'] },
  mal: { email: 'ann@example.org', email_verified: false, groups: ['staff', 'platform'] },
};

let handle;
const answer = (request, response) => handle(request, response);
const tls = key && { key: readFileSync(key), cert: readFileSync(cert) };
const server = tls ? https.createServer(tls, answer) : http.createServer(answer);
server.listen(0, '127.0.0.1', () => {
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    // A native client on the loopback address may be at any port (RFC 8252).
    clients: [{
      client_id: 'lanner', client_secret: 'a secret: 100 %+', application_type: 'native',
      redirect_uris: ['http://127.0.0.1/sign-in/openid/done'], grant_types: ['authorization_code'],
    }],
    scopes: ['openid', 'email', 'groups'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    cookies: { keys: ['only for tests'] },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    loadExistingGrant: async (context) => {
      const { client, session, provider } = context.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email groups');
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
  });
  // Asked what it knows of kim, it tells of ann.
  provider.use(async (context, next) => {
    await next();
    if (context.oidc?.route === 'userinfo' && context.body.sub === 'kim') context.body = { sub: 'ann', ...people.ann };
  });
  handle = provider.callback();
  console.log(issuer);
});
