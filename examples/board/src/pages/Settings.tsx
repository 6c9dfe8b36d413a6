import { useState } from 'react';

export function Settings() {
  const [compact, setCompact] = useState(false);
  const [more, setMore] = useState(false);

  return (
    <>
      <h1>Settings</h1>
      <label>
        <input type="checkbox" checked={compact} onChange={() => setCompact(!compact)} />
        Compact cards
      </label>
      <p>{compact ? 'Cards are compact.' : 'Cards are roomy.'}</p>
      <button type="button" aria-expanded={more} onClick={() => setMore((value) => !value)}>{more ? 'Fewer settings' : 'More settings'}</button>
      {more && (
        <label>
          Name of the board
          <input defaultValue="Task board" maxLength={30} />
        </label>
      )}
    </>
  );
}
