// Whether the server signed a text, by Ed25519.

const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** A function `(text, signature)` that resolves to whether the owner of the public key, 64 hexadecimal digits, signed the text. */
export const verifierOf = async (key) => {
  if (!/^[0-9a-f]{64}$/i.test(key.trim())) {
    throw new TypeError(`"${key}" is not a public key: 64 hexadecimal digits, as the server shows them at /api/v1/switches/key`);
  }
  const imported = await crypto.subtle.importKey("raw", unhex(key.trim()), "Ed25519", false, ["verify"]);
  return (text, signature) => crypto.subtle.verify("Ed25519", imported, unhex(signature), new TextEncoder().encode(text));
};
