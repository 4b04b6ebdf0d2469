// Verifies a key-signed Sigstore bundle with @sigstore/verify, without a log entry and without a timestamp.
//
// usage: node sigstore_verify.mjs BUNDLE PUBKEY.pem
// exit:  0 verified, 1 refused (the reason is on stderr), 2 usage, or the oracle is not installed
//
// The packages are looked for in target/oracles/node and in NODE_PATH.
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const IN_TOTO = 'application/vnd.in-toto+json';

function quit(status, text) {
  console.error(text);
  process.exit(status);
}

const [bundlePath, keyPath, ...rest] = process.argv.slice(2);
if (!bundlePath || !keyPath || rest.length > 0) {
  quit(2, 'usage: node sigstore_verify.mjs BUNDLE PUBKEY.pem');
}

let bundles, verify, files;
try {
  const require = createRequire(new URL('../../../../target/oracles/node/', import.meta.url));
  bundles = require('@sigstore/bundle');
  verify = require('@sigstore/verify');
  files = { bundle: readFileSync(bundlePath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
} catch (error) {
  quit(2, error.message);
}

try {
  const key = createPublicKey(files.key);
  const spki = key.export({ type: 'spki', format: 'der' });
  const hint = createHash('sha256').update(spki).digest('base64');
  const trust = {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: (wanted) => {
      if (wanted !== hint) {
        throw new Error(`the bundle names the key ${wanted}, the trusted one is ${hint}`);
      }
      return { publicKey: key, validFor: () => true };
    },
  };
  const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
  const bundle = bundles.bundleFromJSON(JSON.parse(files.bundle));
  new verify.Verifier(trust, thresholds).verify(verify.toSignedEntity(bundle));
  const type = bundle.content.dsseEnvelope?.payloadType;
  if (type !== IN_TOTO) {
    throw new Error(`the payload is ${type}`);
  }
} catch (error) {
  quit(1, `refused: ${error.message}`);
}
