import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { Footer } from '@/components/footer';
import { Navigation } from '@/components/navigation';
import './journal.css';

export const metadata: Metadata = {
  title: { template: '%s | Field journal', default: 'Field journal' },
  description: 'Walks, written down.',
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <Navigation />
        <main>{children}</main>
        <Footer />
      </body>
    </html>
  );
}
