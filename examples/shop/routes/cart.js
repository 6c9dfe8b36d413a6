const express = require('express');
const products = require('../data/products');

const router = express.Router();

router.get('/', (req, res) => {
  const lines = (req.session.cart || []).map((line) => {
    const product = products.find((item) => item.slug === line.slug);
    return { product, quantity: line.quantity, sum: product.price * line.quantity };
  });
  const total = lines.reduce((sum, line) => sum + line.sum, 0);
  res.render('cart', { title: 'Your cart', lines, total });
});

router.post('/', (req, res) => {
  const product = products.find((item) => item.slug === req.body.slug);
  if (!product || product.stock === 0) {
    return res.status(409).render('sold-out', { title: 'Sold out' });
  }
  const quantity = Number(req.body.quantity) || 1;
  const cart = req.session.cart || [];
  const line = cart.find((item) => item.slug === product.slug);
  if (line) line.quantity += quantity;
  else cart.push({ slug: product.slug, quantity });
  req.session.cart = cart;
  res.redirect('/cart');
});

router.post('/empty', (req, res) => {
  req.session.cart = [];
  res.redirect('/cart');
});

module.exports = router;
