import type { ReactNode } from 'react';

interface Props { title: string; onClose: () => void; children: ReactNode }

export function Dialog({ title, onClose, children }: Props) {
  return (
    <div className="backdrop">
      <div role="dialog" aria-modal="true" aria-labelledby="dialog-title">
        <h2 id="dialog-title">{title}</h2>
        {children}
        <button type="button" onClick={onClose}>Cancel</button>
      </div>
    </div>
  );
}
