const express = require('express');
const products = require('../data/products');

const router = express.Router();

router.get('/', (req, res) => {
  const pick = products[new Date().getDate() % products.length];
  res.render('home', { title: 'Harbour Supply', pick });
});

router.get('/products', (req, res) => {
  const category = req.query.category;
  const shown = category ? products.filter((product) => product.category === category) : products;
  res.render('products', { title: 'All products', products: shown, category });
});

router.get('/products/:slug', (req, res, next) => {
  const product = products.find((item) => item.slug === req.params.slug);
  if (!product) return next();
  res.render('product', { title: product.name, product });
});

router.get('/search', (req, res) => {
  const term = (req.query.q || '').trim();
  const found = term === '' ? [] : products.filter((product) => product.name.toLowerCase().includes(term.toLowerCase()));
  res.render('search', { title: 'Search', term, found });
});

router.get('/delivery', (req, res) => {
  res.render('delivery', { title: 'Delivery and returns' });
});

module.exports = router;
